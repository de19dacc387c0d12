# Needs: nothing. Leaves: resources/{dataset}/ images and annotations, and the sheet, of data sets that are downloaded; the sheet of
# recordings of ready-made crops.

SOURCE = config["source"]

if SOURCE["kind"] == "download":

    rule download_annotations:
        """Download the annotations of the published data set; a cut download goes on where it stopped."""
        output:
            annotations="resources/{dataset}/annotations.json",
        log:
            "logs/{dataset}/download_annotations.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            url=SOURCE["url"],
            file=SOURCE["annotations"],
            checksums=SOURCE["checksums"],
            page=SOURCE["page"],
        message:
            "Downloading the annotations"
        script:
            "../../scripts/recordings/download_annotations.py"

    rule write_recordings_sheet:
        """Write the recordings sheet from the annotations, those of each recording to a file of its own, and the order of all cells."""
        input:
            annotations="resources/{dataset}/annotations.json",
            code=code_of("recordings/write_recordings_sheet.py"),
        output:
            sheet="resources/{dataset}/recordings.tsv",
            annotations=directory("resources/{dataset}/annotations"),
            cells="resources/{dataset}/cells.tsv",
        log:
            "logs/{dataset}/write_recordings_sheet.log",
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=growing(16000),
            runtime=growing(60),
        params:
            doses=SOURCE["doses"],
            treatment_start_h=SOURCE["treatment_start_h"],
            frame_interval_min=SOURCE["frame_interval_min"],
            channels=SOURCE["channels"],
        message:
            "Writing the recordings sheet"
        script:
            "../../scripts/recordings/write_recordings_sheet.py"

    rule download_recording:
        """Download the frames of one recording, check them and unpack them."""
        output:
            images=directory("resources/{dataset}/images/{recording}"),
        log:
            "logs/{dataset}/download_recording/{recording}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            url=SOURCE["url"],
            file=lambda wildcards: SOURCE["images"].format(recording=wildcards.recording),
            checksums=SOURCE["checksums"],
            page=SOURCE["page"],
        message:
            "Downloading the frames of {wildcards.recording}"
        script:
            "../../scripts/recordings/download_recording.py"


if SOURCE["kind"] == "files":

    rule fetch_frames:
        """Fetch the frames of one recording from their public address or a local copy, each checked by its SHA-256."""
        input:
            checksums=SOURCE["checksums"],
        output:
            images=directory("resources/{dataset}/images/{recording}"),
        log:
            "logs/{dataset}/fetch_frames/{recording}.log",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        params:
            url=SOURCE["url"],
            local=SOURCE.get("local"),
        message:
            "Fetching the frames of {wildcards.recording}"
        script:
            "../../scripts/recordings/fetch_frames.py"


if SOURCE["kind"] == "crops":

    rule list_recordings:
        """Write the sheet of the recordings that the cells of the sheet are in."""
        input:
            cells=config["recordings"],
            code=code_of("recordings/list_recordings.py"),
        output:
            sheet="results/{dataset}/recordings.tsv",
        log:
            "logs/{dataset}/list_recordings.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            scaled=SOURCE["other_sizes"] == "resize",
        message:
            "Listing the recordings"
        script:
            "../../scripts/recordings/list_recordings.py"
