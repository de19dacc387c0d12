# Needs: nothing, or the files that the sheet names.
# Leaves: resources/{dataset}/ images and annotations, the sheet, and the checked tracks of each recording.

SOURCE = config["source"]

if SOURCE["kind"] == "simulate":

    rule simulate_recording:
        """Simulate one recording of the sheet: frames, annotations, and the truth that only the scoring rule reads."""
        input:
            code=code_of("simulate_recording.py"),
        output:
            images=directory("resources/{dataset}/images/{recording}"),
            annotations="resources/{dataset}/annotations/{recording}.json",
            truth="resources/{dataset}/truth/{recording}.h5",
        log:
            "logs/{dataset}/simulate_recording/{recording}.log",
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=growing(20),
        params:
            settings=config.get("simulation", {}),
            seed=config["seed"],
            treatment=of_recording("treatment"),
            dose=of_recording("dose"),
            treatment_start_h=of_recording("treatment_start_h"),
            frame_interval_min=of_recording("frame_interval_min"),
        message:
            "Simulating {wildcards.recording}"
        script:
            "../../scripts/simulate_recording.py"


if SOURCE["kind"] == "download":

    localrules:
        download_annotations,
        download_recording,

    rule download_annotations:
        """Download the annotations of the published data set; a cut download goes on where it stopped."""
        output:
            annotations="resources/{dataset}/annotations.json",
        log:
            "logs/{dataset}/download_annotations.log",
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
            "../../scripts/download_annotations.py"

    rule write_recordings_sheet:
        """Write the recordings sheet from the annotations, and the annotations of each recording to a file of its own."""
        input:
            annotations="resources/{dataset}/annotations.json",
            code=code_of("write_recordings_sheet.py"),
        output:
            sheet="resources/{dataset}/recordings.tsv",
            annotations=directory("resources/{dataset}/annotations"),
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
            "../../scripts/write_recordings_sheet.py"

    rule download_recording:
        """Download the frames of one recording, check them and unpack them."""
        output:
            images=directory("resources/{dataset}/images/{recording}"),
        log:
            "logs/{dataset}/download_recording/{recording}.log",
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
            "../../scripts/download_recording.py"


if SOURCE["kind"] == "files":

    localrules:
        fetch_frames,

    rule fetch_frames:
        """Fetch the frames of one recording from their public address or a local copy, each checked by its SHA-256."""
        input:
            checksums=SOURCE["checksums"],
        output:
            images=directory("resources/{dataset}/images/{recording}"),
        log:
            "logs/{dataset}/fetch_frames/{recording}.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            url=SOURCE["url"],
            local=SOURCE.get("local"),
        message:
            "Fetching the frames of {wildcards.recording}"
        script:
            "../../scripts/fetch_frames.py"


rule read_tracks:
    """Check the frames of one recording and read its tracks and outcomes: every mistake in the input is found here."""
    input:
        images=images_of,
        tracks=of_recording("tracks"),
        beside=lambda wildcards: track_files(of_recording("tracks")(wildcards), of_recording("tracks_format")(wildcards)),
        code=code_of("read_tracks.py"),
        reader=readers,
    output:
        tracks="results/{dataset}/tracks/{recording}.parquet",
        outcomes="results/{dataset}/tracks/{recording}.outcomes.parquet",
    log:
        "logs/{dataset}/read_tracks/{recording}.log",
    wildcard_constraints:
        recording=one_of(TRACKED),
    priority: 100  # a mistake in any recording shows before work is spent on the others
    group:
        "recording"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        tracks_format=of_recording("tracks_format"),
        frames=frames_of,
        event_gap=config["tracks"]["event_gap"],
        pixel_size_um=of_recording("pixel_size_um"),
        frame_interval_min=of_recording("frame_interval_min"),
    message:
        "Checking the frames and tracks of {wildcards.recording}"
    script:
        "../../scripts/read_tracks.py"
