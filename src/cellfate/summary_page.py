"""The template of the summary page (jinja2); everything it needs stands in it."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cellfate: {{ title }} ({{ dataset }}, {{ protocol }})</title>
<style>
:root { --ink: #1d2730; --soft: #5c6a75; --line: #dfe5e9; --blue: #0072b2; --paper: #ffffff; --ground: #f5f7f8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 980px; margin: 0 auto; padding: 24px 20px 60px; }
header p { color: var(--soft); margin: 0; }
h1 { font-size: 30px; margin: 0 0 4px; line-height: 1.2; }
h2 { font-size: 20px; margin: 36px 0 10px; }
h3 { font-size: 16px; margin: 0 0 8px; }
section, figure { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 18px 20px; margin: 0 0 16px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin: 22px 0 16px; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px;
  border-top: 3px solid var(--blue); }
.card b { display: block; font-size: 28px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.card span { display: block; color: var(--soft); font-size: 13px; }
.notes { border-left: 4px solid #e69f00; }
.notes ul { margin: 0; padding-left: 20px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); }
th:first-child, td:first-child, td.word { text-align: left; }
th.group { text-align: center; border-left: 1px solid var(--line); }
td small { color: var(--soft); font-size: 12px; margin-left: 6px; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { color: var(--soft); font-size: 14px; margin-top: 10px; }
details { margin-top: 14px; } summary { cursor: pointer; color: var(--blue); }
p.under { color: var(--soft); font-size: 14px; margin: 10px 0 0; }
footer { color: var(--soft); font-size: 13px; margin-top: 30px; overflow-wrap: anywhere; }
@media print { body { background: white; } section, figure { break-inside: avoid; } }
</style>
</head>
<body>
<main>
<header>
<h1>{{ title | capitalize }}</h1>
<p>What the model predicts for trajectories that it has not seen. Data set <b>{{ dataset }}</b>, protocol <b>{{ protocol }}</b>.</p>
</header>

<div class="cards">
{% for card in cards %}
<div class="card"><span>{{ card.label }}</span><b>{{ card.value }}</b>
<span>{{ "95 %: " ~ card.interval if card.interval else "no interval" }}</span><span>n = {{ card.n }}</span></div>
{% endfor %}
</div>

{% if notes %}
<section class="notes">
<h3>What to keep in mind</h3>
<ul>
{% for note in notes %}
<li>{{ note }}</li>
{% endfor %}
</ul>
</section>
{% endif %}

<h2>Trajectories</h2>
<section>
<div class="scroll"><table>
<tr><th></th>{% for name, span in flow.treatments %}<th class="group" colspan="{{ span }}">{{ name }}</th>{% endfor %}<th></th></tr>
<tr><th>step</th>{% for name in flow.outcomes %}<th>{{ name }}</th>{% endfor %}<th>total</th></tr>
{% for row in flow.rows %}
<tr><td>{{ row.stage }}</td>{% for n in row.cells %}<td>{{ n }}</td>{% endfor %}<td>{{ row.total }}</td></tr>
{% endfor %}
</table></div>
<p class="under">How many trajectories remain after each step, by treatment and outcome.</p>
</section>

<h2>Numbers</h2>
<section>
<div class="scroll"><table>
<tr><th>metric</th><th>outcome</th>{% for name in metrics.scopes %}<th>{{ name }}</th>{% endfor %}</tr>
<tr><td>trajectories</td><td></td>{% for n in metrics.sizes %}<td>{{ n }}</td>{% endfor %}</tr>
{% for row in metrics.rows %}
<tr><td>{{ row.label }}</td><td class="word">{{ row.outcome }}</td>
{% for value, interval in row.cells %}<td>{{ value }}<small>{{ interval }}</small></td>{% endfor %}</tr>
{% endfor %}
</table></div>
<p class="under">Beside each value its 95 % bootstrap interval.</p>
{% if truncation.rows %}
<details><summary>Balanced accuracy without the last frames</summary>
<div class="scroll"><table>
<tr><th>frames dropped</th>{% for name in truncation.cohorts %}<th>{{ name }}</th><th>n</th>{% endfor %}</tr>
{% for row in truncation.rows %}
<tr><td>{{ row.n }}</td>
{% for value, interval, n in row.cells %}<td>{{ value }}<small>{{ interval }}</small></td><td>{{ n }}</td>{% endfor %}
</tr>
{% endfor %}
</table></div></details>
{% endif %}
{% if effects %}
<details><summary>Features: the frames that count against the others</summary>
{% for table in effects %}
<p class="under">Features {{ table.title }}.</p>
<div class="scroll"><table>
<tr><th>feature</th>{% for name in table.outcomes %}<th>{{ name }}</th><th>n</th>{% endfor %}</tr>
{% for row in table.rows %}
<tr><td>{{ row.feature }}</td>
{% for value, interval, evidence, n in row.cells %}
<td>{{ value }}<small>{{ interval }}</small><small>{{ evidence }}</small></td><td>{{ n }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
{% endfor %}
<p class="under">Median Cliff's delta with its 95 % interval.</p></details>
{% endif %}
</section>

{% if calibration.rows %}
<h2>Calibration</h2>
<section>
<div class="scroll"><table>
<tr><th>score</th>{% for name in calibration.stages %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in calibration.rows %}
<tr><td>{{ row.label }}</td>{% for value in row.cells %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
<p class="under">Full held-out trajectories, before and after the calibration that is fitted on the validation part. Smaller is better.</p>
</section>
{% endif %}

<h2>Figures</h2>
{% for figure in figures %}
<figure>
<h3>{{ figure.title }}</h3>
<img width="{{ figure.width }}" alt="{{ figure.title }}: {{ figure.caption }}" src="data:image/png;base64,{{ figure.data }}">
<figcaption>{{ figure.caption }}</figcaption>
</figure>
{% endfor %}

<footer>{{ software }}. Configuration {{ config_digest }}.</footer>
</main>
</body>
</html>
"""
