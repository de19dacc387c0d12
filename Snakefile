# The workflow is in workflow/, where modules and snakedeploy look for it. An include leaves the default target open, so it is named here.
include: "workflow/Snakefile"


rule main:
    """The main target, as `all`."""
    default_target: True
    input:
        files_of("everything"),
    message:
        "All that was asked for is there"
