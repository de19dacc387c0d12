# The workflow is in workflow/, where modules and snakedeploy look for it. An include leaves the default target open, so it is named here.
include: "workflow/Snakefile"


localrules:
    main,


use rule all as main with:
    default_target: True
