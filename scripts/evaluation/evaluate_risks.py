"""Score the risks over time of all folds beside clocks and baselines."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.crops.tables import RINGS
from cellfate.evaluation.risks.alarms import tabulate_alarms
from cellfate.evaluation.risks.calibration import tabulate_calibration
from cellfate.evaluation.risks.decided import draw_examples, tabulate_decided
from cellfate.evaluation.risks.fates import tabulate_fates
from cellfate.evaluation.risks.forecasts import Sources, forecasts_of_folds
from cellfate.evaluation.risks.scores import landmark_sets, tabulate_scores
from cellfate.evaluation.risks.tables import DECIDED, FATE_BEFORE, RISK_ALARMS, RISK_CALIBRATION, RISK_EXAMPLES, RISK_SCORES
from cellfate.evaluation.scoring import Units
from cellfate.model.risks.inputs import FrameInputs, InputSettings
from cellfate.model.tables import FATES, PREFIXES
from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

paths, params = snakemake.input, snakemake.params
trajectories = read_table(paths.trajectories, TRAJECTORIES)
split = with_all_parts(read_table(paths.split, SPLIT), trajectories, unit=params.unit, seed=params.seed)
inputs = FrameInputs(read_tables(paths.rings, RINGS), None, None, params.starts, InputSettings(**{**params.inputs, "features": False}))
horizons = [float(hours) for hours in params.horizons_hours]
told = (read_tables(paths.fates, FATES), read_tables(paths.prefixes, PREFIXES), inputs, params.starts, horizons, params.min_frames)
validation, test = forecasts_of_folds(Sources(trajectories, split, *told), params.seed)
units = Units.of(params.outcomes, params.unit)
sets = landmark_sets(trajectories, split, test, params.drug)
write_table(tabulate_scores(test, sets, horizons, units), snakemake.output.scores, RISK_SCORES)
write_table(tabulate_calibration(test, horizons, params.bins, units), snakemake.output.calibration, RISK_CALIBRATION)
write_table(tabulate_alarms(validation, test, horizons, params.alarm_share, units), snakemake.output.alarms, RISK_ALARMS)
write_table(tabulate_fates(test, units), snakemake.output.fates, FATE_BEFORE)
write_table(tabulate_decided(test, sets, horizons, params.decided_level, units), snakemake.output.decided, DECIDED)
write_table(draw_examples(test, horizons, params.seed), snakemake.output.examples, RISK_EXAMPLES)
