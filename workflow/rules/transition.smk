# Needs: an h5ad file of single cells. Leaves: transition matrix, rankings of genes, knockouts, and their figures; snakemake transition.
# A sibling of the video pipeline: its features and states are read here, where tracked cells are the input, and nothing else.

TRANSITION = transition_settings(config)
SIMULATED_CELLS = TRANSITION["source"] == "simulate"
CELLS_FILE = cells_file()
GENE_SETS = "resources/{dataset}/transition/gene_sets.gmt" if SIMULATED_CELLS else TRANSITION["gene_sets"] or []
# the network that is shown, the other variants, and the MLP that it must beat
TRAINED = list(dict.fromkeys([TRANSITION["network"], *TRANSITION["variants"], "mlp"]))
REFIT_SEEDS = range(TRANSITION["seeds"]) if TRANSITION["knockouts"]["refits"] else []
COMPARE = TRANSITION["compare"]
FOUND = ["target_facts", "transition_pairs", "transition_growth", "transition_rates", "transition_checks"]
FATES = ["transition_fates", "fate_times", "matrix_powers", "fate_trends", "fate_drivers"]
TRENDS_ALONG = trends_along()
IN_REPORT = {"folder": "results/{dataset}/transition/figures", "category": "4 Phenotype transitions"}


rule simulate_transition_cells:
    """Simulated cells as an h5ad file, their pathways, and the truth in a file of its own."""
    input:
        code=code_of("transition/simulate_transition_cells.py"),
    output:
        cells="resources/{dataset}/transition/cells.h5ad",
        gene_sets="resources/{dataset}/transition/gene_sets.gmt",
        truth="resources/{dataset}/transition/truth.h5",
    log:
        "logs/{dataset}/transition/simulate_transition_cells.log",
    conda:
        "../../envs/transition.yaml"
    params:
        seed=config["seed"],
        simulation=TRANSITION["simulation"],
    message:
        "Simulating cells with planted regulators"
    script:
        "../../scripts/transition/simulate_transition_cells.py"


rule gather_looks:
    """Tracked cells as cells: their features and phenotype at each look, and the phenotype at the next."""
    input:
        **tables_of_tracks(),
        code=code_of("transition/gather_looks.py"),
    output:
        cells="results/{dataset}/transition/looks.h5ad",
    log:
        "logs/{dataset}/transition/gather_looks.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        seed=config["seed"],
        tracks=TRANSITION["tracks"],
        others=others_of_tracks(),
        drop_incomplete="incomplete" in TRANSITION["leave_out"],
        n_states=STATES["n_states"],
        facts=facts_of_tracks() if TRANSITION["source"] == "features" else None,
    message:
        "Gathering the looks of tracked cells"
    script:
        "../../scripts/transition/gather_looks.py"


rule prepare_transition_cells:
    """Read and check the cells, find what they become, split, choose genes, z-score, embed."""
    input:
        cells=CELLS_FILE,
        embedding=TRANSITION["embedding"] or [],
        prior=TRANSITION["prior"] or [],
        gene_sets=GENE_SETS,
        growth=TRANSITION["targets"]["growth"]["gene_sets"] or [],
        code=code_of("transition/prepare_transition_cells.py"),
    output:
        **{name: f"results/{{dataset}}/transition/tables/{name}.csv" for name in FOUND},
        prepared="results/{dataset}/transition/prepared.h5",
    log:
        "logs/{dataset}/transition/prepare_transition_cells.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(8000),
    params:
        seed=config["seed"],
        settings={
            key: TRANSITION[key]
            for key in ("expression", "label", "group", "min_cells", "leave_out", "targets", "genes", "components", "fractions", "view")
        }
        | {"condition": TRANSITION["condition"]["column"], "along": TRENDS_ALONG},
        confidence_k=TRANSITION["confidence_k"],
        refits=TRANSITION["knockouts"]["refits"],
    message:
        "Preparing the cells"
    script:
        "../../scripts/transition/prepare_transition_cells.py"


rule train_transition_model:
    """Train one variant of the network with every seed, and look at the held-out cells."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        prior=TRANSITION["prior"] or [],
        code=code_of("transition/train_transition_model.py"),
    output:
        networks="results/{dataset}/transition/{variant}/networks.pt",
        curves="results/{dataset}/transition/{variant}/curves.csv",
        scores="results/{dataset}/transition/{variant}/scores.csv",
        matrix="results/{dataset}/transition/{variant}/matrix.csv",
        cells="results/{dataset}/transition/{variant}/cells.parquet",
        reliability="results/{dataset}/transition/{variant}/reliability.csv",
    log:
        "logs/{dataset}/transition/{variant}/train_transition_model.log",
    benchmark:
        "results/{dataset}/transition/benchmarks/train_transition_model-{variant}.tsv"
    wildcard_constraints:
        variant=one_of(TRAINED),
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        seed=config["seed"],
        model=TRANSITION["model"],
        training=TRANSITION["training"],
        seeds=TRANSITION["seeds"],
        confidence_k=TRANSITION["confidence_k"],
    message:
        "Training the transition network, {wildcards.variant}"
    script:
        "../../scripts/transition/train_transition_model.py"


rule fit_transition_baseline:
    """Logistic regression for the present phenotype, and from each phenotype to the next."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        code=code_of("transition/fit_transition_baseline.py"),
    output:
        scores="results/{dataset}/transition/logistic/scores.csv",
        matrix="results/{dataset}/transition/logistic/matrix.csv",
        genes="results/{dataset}/transition/logistic/genes.csv",
        reliability="results/{dataset}/transition/logistic/reliability.csv",
    log:
        "logs/{dataset}/transition/fit_transition_baseline.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        confidence_k=TRANSITION["confidence_k"],
    message:
        "Fitting logistic regressions"
    script:
        "../../scripts/transition/fit_transition_baseline.py"


rule rank_regulators:
    """Rank the genes by every method."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        networks=expand("results/{{dataset}}/transition/{variant}/networks.pt", variant=TRAINED),
        prior=TRANSITION["prior"] or [],
        code=code_of("transition/rank_regulators.py"),
    output:
        rankings="results/{dataset}/transition/tables/rankings.csv",
    log:
        "logs/{dataset}/transition/rank_regulators.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        seed=config["seed"],
        network=TRANSITION["network"],
        explain=TRANSITION["explain"],
        cells=TRANSITION["knockouts"]["cells"],
    message:
        "Ranking the genes"
    script:
        "../../scripts/transition/rank_regulators.py"


rule test_genes_by_refitting:
    """Train the network without some of the cells, in turn, and test each gene on the cells left out; once for each seed."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        prior=TRANSITION["prior"] or [],
        code=code_of("transition/test_genes_by_refitting.py"),
    output:
        genes="results/{dataset}/transition/tables/gene_refits/{turn}.csv",
    log:
        "logs/{dataset}/transition/test_genes_by_refitting-{turn}.log",
    benchmark:
        "results/{dataset}/transition/benchmarks/test_genes_by_refitting-{turn}.tsv"
    wildcard_constraints:
        turn=r"\d+",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(480),
    params:
        seed=config["seed"],
        model=TRANSITION["model"],
        training=TRANSITION["training"],
        network=TRANSITION["network"],
        knockouts=TRANSITION["knockouts"],
    message:
        "Testing genes on cells that the network has not seen, seed {wildcards.turn}"
    script:
        "../../scripts/transition/test_genes_by_refitting.py"


rule knock_out_genes:
    """Knock each gene out in silico, against permutations of the gene."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        networks=f"results/{{dataset}}/transition/{TRANSITION['network']}/networks.pt",
        refits=expand("results/{{dataset}}/transition/tables/gene_refits/{turn}.csv", turn=REFIT_SEEDS),
        code=code_of("transition/knock_out_genes.py"),
    output:
        genes="results/{dataset}/transition/tables/gene_knockouts.csv",
        edges="results/{dataset}/transition/tables/knockout_edges.csv",
    log:
        "logs/{dataset}/transition/knock_out_genes.log",
    benchmark:
        "results/{dataset}/transition/benchmarks/knock_out_genes.tsv"
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        seed=config["seed"],
        knockouts=TRANSITION["knockouts"],
    message:
        "Knocking out genes"
    script:
        "../../scripts/transition/knock_out_genes.py"


rule knock_out_gene_sets:
    """Knock each gene set out in silico, against matched random sets."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        networks=f"results/{{dataset}}/transition/{TRANSITION['network']}/networks.pt",
        gene_sets=GENE_SETS,
        code=code_of("transition/knock_out_gene_sets.py"),
    output:
        sets="results/{dataset}/transition/tables/set_knockouts.csv",
        draws="results/{dataset}/transition/tables/set_draws.csv",
    log:
        "logs/{dataset}/transition/knock_out_gene_sets.log",
    benchmark:
        "results/{dataset}/transition/benchmarks/knock_out_gene_sets.tsv"
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        seed=config["seed"],
        knockouts=TRANSITION["knockouts"],
    message:
        "Knocking out gene sets"
    script:
        "../../scripts/transition/knock_out_gene_sets.py"


rule tabulate_fates:
    """Where chains of phenotypes end, when, along what, and with which genes."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        matrix=f"results/{{dataset}}/transition/{TRANSITION['network']}/matrix.csv",
        rates="results/{dataset}/transition/tables/transition_rates.csv",
        code=code_of("transition/tabulate_fates.py"),
    output:
        **{name: f"results/{{dataset}}/transition/tables/{name}.csv" for name in FATES},
        cell_fates="results/{dataset}/transition/tables/cell_fates.parquet",
    log:
        "logs/{dataset}/transition/tabulate_fates.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        seed=config["seed"],
        fates={"terminal": TRANSITION["terminal"]} | {key: TRANSITION["fates"][key] for key in ("stability", "bins", "steps")},
        bootstrap=TRANSITION["fates"]["bootstrap"],
    message:
        "Tabulating where chains of phenotypes end"
    script:
        "../../scripts/transition/tabulate_fates.py"


rule compare_conditions:
    """P of each condition, and whether it differs from the control's."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        code=code_of("transition/compare_conditions.py"),
    output:
        matrices="results/{dataset}/transition/tables/condition_matrices.csv",
        tests="results/{dataset}/transition/tables/condition_tests.csv",
    log:
        "logs/{dataset}/transition/compare_conditions.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        seed=config["seed"],
        control=TRANSITION["condition"]["control"],
        permutations=TRANSITION["condition"]["permutations"],
        bootstrap=TRANSITION["fates"]["bootstrap"],
    message:
        "Comparing the conditions"
    script:
        "../../scripts/transition/compare_conditions.py"


rule plot_fates:
    """Where chains of phenotypes end, when, and trends of fates."""
    input:
        fates="results/{dataset}/transition/tables/transition_fates.csv",
        times="results/{dataset}/transition/tables/fate_times.csv",
        trends="results/{dataset}/transition/tables/fate_trends.csv",
        code=code_of("figures/plot_fates.py"),
    output:
        **figure("fates", **IN_REPORT),
    log:
        "logs/{dataset}/transition/plot_fates.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        along=TRENDS_ALONG,
    message:
        "Figure of the fates"
    script:
        "../../scripts/figures/plot_fates.py"


rule refit_transition_matrix:
    """Train the network, and the regression, again on resampled cells: the intervals of their transition matrices."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        prior=TRANSITION["prior"] or [],
        code=code_of("transition/refit_transition_matrix.py"),
    output:
        refits="results/{dataset}/transition/tables/matrix_refits.csv",
    log:
        "logs/{dataset}/transition/refit_transition_matrix.log",
    benchmark:
        "results/{dataset}/transition/benchmarks/refit_transition_matrix.tsv"
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        seed=config["seed"],
        model=TRANSITION["model"],
        training=TRANSITION["training"],
        network=TRANSITION["network"],
        matrix_refits=TRANSITION["matrix_refits"],
    message:
        "Training the network again on resampled cells"
    script:
        "../../scripts/transition/refit_transition_matrix.py"


rule tabulate_transition_matrices:
    """The matrices of all variants, and the counted one, in one table with their intervals."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        matrices=expand("results/{{dataset}}/transition/{variant}/matrix.csv", variant=[*TRAINED, "logistic"]),
        refits="results/{dataset}/transition/tables/matrix_refits.csv" if TRANSITION["matrix_refits"] else [],
        code=code_of("transition/tabulate_transition_matrices.py"),
    output:
        matrices="results/{dataset}/transition/tables/matrices.csv",
    log:
        "logs/{dataset}/transition/tabulate_transition_matrices.log",
    conda:
        "../../envs/transition.yaml"
    params:
        network=TRANSITION["network"],
    message:
        "Putting the transition matrices together"
    script:
        "../../scripts/transition/tabulate_transition_matrices.py"


rule read_compared_matrix:
    """P of another place in this run's names of phenotypes; soon after the cells, so that names that do not fit stop the run before training."""
    input:
        prepared="results/{dataset}/transition/prepared.h5",
        matrix=COMPARE["matrix"] or [],
        code=code_of("transition/read_compared_matrix.py"),
    output:
        given="results/{dataset}/transition/tables/given_matrix.csv",
    log:
        "logs/{dataset}/transition/read_compared_matrix.log",
    priority: 100
    conda:
        "../../envs/transition.yaml"
    params:
        compare=lambda wildcards: as_text({key: COMPARE[key] for key in ("matrix", "variant", "names")}),
    message:
        "Reading the matrix to compare with"
    script:
        "../../scripts/transition/read_compared_matrix.py"


rule compare_matrices:
    """P of another place beside this run's, entry by entry."""
    input:
        given="results/{dataset}/transition/tables/given_matrix.csv",
        matrices="results/{dataset}/transition/tables/matrices.csv",
        rates="results/{dataset}/transition/tables/transition_rates.csv",
        code=code_of("transition/compare_matrices.py"),
    output:
        compared="results/{dataset}/transition/tables/compared_matrices.csv",
    log:
        "logs/{dataset}/transition/compare_matrices.log",
    conda:
        "../../envs/transition.yaml"
    params:
        **{key: COMPARE[key] for key in ("own", "step_h", "per")},
    message:
        "Comparing P with that of another place"
    script:
        "../../scripts/transition/compare_matrices.py"


rule plot_compared:
    """P of another place against this run's, and how they differ."""
    input:
        compared="results/{dataset}/transition/tables/compared_matrices.csv",
        code=code_of("figures/plot_compared.py"),
    output:
        **figure("compared", **IN_REPORT),
    log:
        "logs/{dataset}/transition/plot_compared.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "Figure of both matrices"
    script:
        "../../scripts/figures/plot_compared.py"


rule annotate_cells:
    """Every cell of the file with what was found of it, as h5ad, and where each is drawn."""
    input:
        cells=CELLS_FILE,
        prepared="results/{dataset}/transition/prepared.h5",
        networks=f"results/{{dataset}}/transition/{TRANSITION['network']}/networks.pt",
        matrices="results/{dataset}/transition/tables/matrices.csv",
        fates=transition_only("results/{dataset}/transition/tables/transition_fates.csv"),
        cell_fates=transition_only("results/{dataset}/transition/tables/cell_fates.parquet"),
        code=code_of("transition/annotate_cells.py"),
    output:
        cells="results/{dataset}/transition/cells.h5ad",
        view="results/{dataset}/transition/tables/cell_view.parquet",
    log:
        "logs/{dataset}/transition/annotate_cells.log",
    conda:
        "../../envs/transition.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        view=TRANSITION["view"],
    message:
        "Writing what was found of every cell"
    script:
        "../../scripts/transition/annotate_cells.py"


rule plot_cells:
    """The cells in their embedding, by phenotype and fate."""
    input:
        view="results/{dataset}/transition/tables/cell_view.parquet",
        code=code_of("figures/plot_cells.py"),
    output:
        **figure("cells", **IN_REPORT),
    log:
        "logs/{dataset}/transition/plot_cells.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        view=TRANSITION["view"] or ("embedding" if TRANSITION["embedding"] else "PC"),
    message:
        "Figure of the cells"
    script:
        "../../scripts/figures/plot_cells.py"


rule plot_transition_matrix:
    """The transition graph and matrix with entropies, the counted matrix beside it; for static labels the confusion of phenotypes."""
    input:
        matrices="results/{dataset}/transition/tables/matrices.csv",
        code=code_of("figures/plot_transition_matrix.py"),
    output:
        **figure("transition_matrix", **IN_REPORT),
    log:
        "logs/{dataset}/transition/plot_transition_matrix.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "Figure of the transition matrix"
    script:
        "../../scripts/figures/plot_transition_matrix.py"


rule plot_regulators:
    """The ranking of the genes, by the network and by the regression."""
    input:
        rankings="results/{dataset}/transition/tables/rankings.csv",
        regression="results/{dataset}/transition/logistic/genes.csv",
        knockouts=transition_only("results/{dataset}/transition/tables/gene_knockouts.csv"),
        code=code_of("figures/plot_regulators.py"),
    output:
        **figure("regulators", **IN_REPORT),
    log:
        "logs/{dataset}/transition/plot_regulators.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "Figure of the regulators"
    script:
        "../../scripts/figures/plot_regulators.py"


rule plot_knockouts:
    """Knockouts of genes against permutations, and of gene sets against random sets."""
    input:
        genes="results/{dataset}/transition/tables/gene_knockouts.csv",
        sets="results/{dataset}/transition/tables/set_knockouts.csv" if GENE_SETS else [],
        draws="results/{dataset}/transition/tables/set_draws.csv" if GENE_SETS else [],
        code=code_of("figures/plot_knockouts.py"),
    output:
        **figure("knockouts", **IN_REPORT),
    log:
        "logs/{dataset}/transition/plot_knockouts.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        knockouts=TRANSITION["knockouts"],
    message:
        "Figure of the knockouts"
    script:
        "../../scripts/figures/plot_knockouts.py"


rule tabulate_transition_scores:
    """Scores of all variants and the regression, and the reliability of their confidence, in one table each."""
    input:
        scores=expand("results/{{dataset}}/transition/{variant}/scores.csv", variant=[*TRAINED, "logistic"]),
        reliability=expand("results/{{dataset}}/transition/{variant}/reliability.csv", variant=[*TRAINED, "logistic"]),
        code=code_of("transition/tabulate_transition_scores.py"),
    output:
        scores="results/{dataset}/transition/tables/scores.csv",
        reliability="results/{dataset}/transition/tables/reliability.csv",
    log:
        "logs/{dataset}/transition/tabulate_transition_scores.log",
    conda:
        "../../envs/transition.yaml"
    params:
        network=TRANSITION["network"],
    message:
        "Putting the scores of the variants together"
    script:
        "../../scripts/transition/tabulate_transition_scores.py"


rule plot_ablation:
    """Scores of all variants and the regression, and the reliability of their confidence."""
    input:
        scores="results/{dataset}/transition/tables/scores.csv",
        reliability="results/{dataset}/transition/tables/reliability.csv",
        code=code_of("figures/plot_ablation.py"),
    output:
        **figure("ablation", **IN_REPORT),
        calibration_pdf="results/{dataset}/transition/figures/transition_calibration.pdf",
        calibration_png="results/{dataset}/transition/figures/transition_calibration.png",
    log:
        "logs/{dataset}/transition/plot_ablation.log",
    conda:
        "../../envs/analysis.yaml"
    message:
        "Figures of the variants and their calibration"
    script:
        "../../scripts/figures/plot_ablation.py"


rule write_transition_summary:
    """The summary page of phenotype transitions: what was found, how sure it is, and the figures."""
    input:
        cells="results/{dataset}/transition/tables/cell_view.parquet",
        scores="results/{dataset}/transition/tables/scores.csv",
        matrices="results/{dataset}/transition/tables/matrices.csv",
        facts="results/{dataset}/transition/tables/target_facts.csv",
        pairs="results/{dataset}/transition/tables/transition_pairs.csv",
        genes=transition_only("results/{dataset}/transition/tables/gene_knockouts.csv"),
        sets=transition_only("results/{dataset}/transition/tables/set_knockouts.csv" if GENE_SETS else []),
        fates=transition_only("results/{dataset}/transition/tables/transition_fates.csv"),
        compared="results/{dataset}/transition/tables/compared_matrices.csv" if COMPARE["matrix"] else [],
        figures=expand("results/{{dataset}}/transition/figures/{name}.png", name=TARGETS.transition_figures),
        captions=[of_workflow(f"workflow/report/{name}.rst") for name in TARGETS.transition_figures],
        code=code_of("report/write_transition_summary.py"),
    output:
        page=report(
            "results/{dataset}/transition/summary.html", category="4 Phenotype transitions", caption="../report/transition_summary.rst"
        ),
    log:
        "logs/{dataset}/transition/write_transition_summary.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        config_digest=config_digest(config),
    message:
        "Summary page of phenotype transitions"
    script:
        "../../scripts/report/write_transition_summary.py"


rule evaluate_transition_truth:
    """Simulated cells only: matrices, rankings and knockouts against the truth; a leaf, nothing reads it."""
    input:
        truth="resources/{dataset}/transition/truth.h5",
        prepared="results/{dataset}/transition/prepared.h5",
        matrices="results/{dataset}/transition/tables/matrices.csv",
        rankings="results/{dataset}/transition/tables/rankings.csv",
        regression="results/{dataset}/transition/logistic/genes.csv",
        knockouts="results/{dataset}/transition/tables/gene_knockouts.csv",
        code=code_of("transition/evaluate_transition_truth.py"),
    output:
        scores="results/{dataset}/transition/truth/scores.csv",
    log:
        "logs/{dataset}/transition/evaluate_transition_truth.log",
    conda:
        "../../envs/transition.yaml"
    message:
        "Scoring against the simulator's truth"
    script:
        "../../scripts/transition/evaluate_transition_truth.py"
