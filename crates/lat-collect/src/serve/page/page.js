'use strict';
// Shows what the server sends once a second. Texts of others enter only as text, never as markup.
const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
const points = new Map(), watch = new Map();
const KEEP = 600;
let snapshot = null;

const whole = (n) => n.toLocaleString('en-US');
const rate = (n) => (n < 1000 ? n.toFixed(1) : whole(Math.round(n))) + '/s';
const perSecond = (n) => rate(n);
const span = (us) => us < 1e3 ? Math.round(us) + ' µs' : us < 1e6 ? (us / 1e3).toFixed(us < 1e5 ? 1 : 0) + ' ms' : (us / 1e6).toFixed(2) + ' s';
const bytes = (n) => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit < 4) { n /= 1024; unit++; }
  return n.toFixed(unit && n < 100 ? 1 : 0) + ' ' + units[unit];
};
const percent = (n) => (Math.floor(n * 1e4) / 100).toFixed(2) + ' %';
const clock = (s) => {
  s = Math.max(0, Math.floor(s));
  const two = (n) => String(n).padStart(2, '0');
  return (s >= 3600 ? Math.floor(s / 3600) + ':' : '') + two(Math.floor(s / 60) % 60) + ':' + two(s % 60);
};

const CHARTS = [
  ['Rates', perSecond, points, [
    ['planned', 'd', (p) => p.planned], ['sent', 'a', (p) => p.sent], ['ok', 'b', (p) => p.ok], ['received', 'c', (p) => received() ? p.received : null]]],
  ['Success and failure', percent, points, [
    ['success', 'b', (p) => p.planned ? p.ok / p.planned : null], ['failure', 'bad', (p) => p.planned ? p.failed / p.planned : null]], 1],
  ['Latency from due time', span, points, [
    ['p50', 'b', (p) => p.latency_us[0]], ['p95', 'a', (p) => p.latency_us[1]], ['p99', 'c', (p) => p.latency_us[2]]]],
  ['Service time', span, points, [
    ['p50', 'b', (p) => p.service_us[0]], ['p95', 'a', (p) => p.service_us[1]], ['p99', 'c', (p) => p.service_us[2]]]],
  ['End to end', span, points, [
    ['p50', 'b', (p) => p.e2e_us[0]], ['p95', 'a', (p) => p.e2e_us[1]], ['p99', 'c', (p) => p.e2e_us[2]]], 0, true],
  ['CPU', (n) => n.toFixed(2) + ' cores', watch, [['processes', 'a', (p) => p.process_cpu]]],
  ['CPU of the host', percent, watch, [['busy', 'c', (p) => p.host_cpu]], 1, true],
  ['Memory', bytes, watch, [
    ['processes', 'a', (p) => p.process_memory], ['host, available', 'b', (p) => p.host_memory_available]]],
  ['Network', (n) => bytes(n) + '/s', watch, [
    ['in', 'b', (p) => p.network_in], ['out', 'a', (p) => p.network_out]]],
  ['Pods ready', (n) => n.toFixed(0), watch, [['ready', 'd', (p) => p.pods_ready]]],
  ['Messages in queues', (n) => whole(Math.round(n)), watch, [['messages', 'd', (p) => p.queued]]],
].map(([title, format, data, series, top, optional]) => ({ title, format, data, series, top, optional }));

function received() { return snapshot && snapshot.ledger.receipts > 0; }

function element(tag, attributes, ...children) {
  const made = tag === 'svg' || attributes.svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (name !== 'svg') made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function nice(max) {
  if (!(max > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= max * 0.999);
}

for (const chart of CHARTS) {
  chart.svg = element('svg', { preserveAspectRatio: 'none', role: 'img', 'aria-label': chart.title });
  chart.legend = element('div', { class: 'legend' });
  chart.card = element('div', { class: 'card' }, element('h2', {}, chart.title), chart.svg, chart.legend);
  $('charts').append(chart.card);
  chart.svg.addEventListener('pointermove', (event) => { hover = (event.clientX - chart.svg.getBoundingClientRect().left) / chart.svg.clientWidth; drawAll(); });
  chart.svg.addEventListener('pointerleave', () => { hover = null; drawAll(); });
}
let hover = null;

// The newest second is open while the run goes on, and would look like a drop.
function shown(data) {
  const all = [...data.values()].sort((x, y) => x.second - y.second);
  if (data === points && snapshot && !snapshot.done) all.pop();
  return all;
}

function draw(chart, from, to) {
  const rows = shown(chart.data), has = rows.some((row) => chart.series.some(([, , get]) => get(row) != null));
  chart.card.hidden = chart.optional && !has;
  if (chart.card.hidden) return;
  // What nobody watches takes no room.
  chart.svg.style.display = has || chart.data === points ? '' : 'none';
  const width = chart.svg.clientWidth || 400, height = 150, left = 64, bottom = 20, right = 8, above = 8;
  chart.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const max = chart.top || nice(Math.max(...rows.flatMap((row) => chart.series.map(([, , get]) => get(row) ?? 0)), 0));
  const x = (second) => left + (second - from) / Math.max(1, to - from) * (width - left - right);
  const y = (value) => above + (1 - Math.min(1, value / max)) * (height - above - bottom);
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    parts.push(element('line', { svg: 1, class: 'grid', x1: left, x2: width - right, y1: y(max * share), y2: y(max * share) }));
    if (has && share) parts.push(element('text', { svg: 1, x: left - 8, y: y(max * share) + 4, 'text-anchor': 'end' }, chart.format(max * share)));
  }
  parts.push(element('text', { svg: 1, x: left, y: height - 4 }, clock(from)), element('text', { svg: 1, x: width - right, y: height - 4, 'text-anchor': 'end' }, clock(to)));
  for (const mark of snapshot ? snapshot.marks : []) {
    if (mark.at_s >= from && mark.at_s <= to) parts.push(element('line', { svg: 1, class: 'mark', x1: x(mark.at_s), x2: x(mark.at_s), y1: above, y2: height - bottom }, element('title', { svg: 1 }, mark.what + ' ' + mark.name)));
  }
  const at = hover == null ? null : rows.reduce((best, row) => Math.abs(x(row.second) - hover * width) < Math.abs(x(best.second) - hover * width) ? row : best, rows[0] || { second: from });
  chart.legend.replaceChildren();
  for (const [name, colour, get] of chart.series) {
    let path = '', before = null;
    for (const row of rows) {
      const value = get(row);
      if (value == null) { before = null; continue; }
      path += (before != null && row.second - before <= (chart.data === watch ? 15 : 2) ? 'L' : 'M') + x(row.second).toFixed(1) + ' ' + y(value).toFixed(1);
      before = row.second;
    }
    if (path && !path.includes('L')) path += 'h1.5';
    parts.push(element('path', { svg: 1, d: path, stroke: `var(--${colour})` }));
    const row = at || [...rows].reverse().find((row) => get(row) != null), value = row && get(row);
    if (rows.some((row) => get(row) != null)) chart.legend.append(element('span', {}, element('i', { style: `background:var(--${colour})` }), name + ' ', element('b', {}, value == null ? '–' : chart.format(value))));
  }
  if (!has) chart.legend.append(element('span', {}, chart.data === watch ? 'not watched: see sys-watch' : 'no data so far'));
  if (at) parts.push(element('line', { svg: 1, class: 'cursor', x1: x(at.second), x2: x(at.second), y1: above, y2: height - bottom }));
  chart.svg.replaceChildren(...parts);
}

function drawAll() {
  const seconds = [...points.keys(), ...watch.keys()];
  const to = Math.max(...seconds, 10), from = Math.max(Math.min(...seconds, to), to - KEEP + 1);
  for (const chart of CHARTS) draw(chart, from, to);
}

function say(id, text, tone) {
  const where = $(id);
  if (where.textContent !== text) where.textContent = text;
  if (tone != null) where.className = (id === 'state' ? 'pill ' : '') + tone;
}

function table(id, rows) {
  $(id).replaceChildren(...rows.map((row, index) => element('tr', {}, ...row.map((cell) => {
    const [text, tone] = Array.isArray(cell) ? cell : [cell, ''];
    return element(index === 0 && id === 'percentiles' ? 'th' : 'td', { class: tone }, String(text));
  }))));
}

// The mean over the last ten whole seconds.
function recent(get) {
  const rows = shown(points).slice(-10);
  if (!rows.length) return 0;
  return rows.reduce((sum, row) => sum + get(row), 0) / (rows[rows.length - 1].second - rows[0].second + 1);
}

function figures(s) {
  const all = s.overall, outcomes = all.outcomes, account = s.ledger.account;
  document.title = s.run + ' – ce-load';
  say('run', s.run);
  const incomplete = s.incomplete_because.length > 0;
  say('state', !s.done ? 'running' : incomplete ? 'incomplete' : 'done', incomplete ? 'bad' : s.done ? 'dim' : 'good');
  say('elapsed', clock(s.elapsed_s));
  const lag = s.generator.lag_p99_us == null ? '' : ', lag p99 ' + span(s.generator.lag_p99_us);
  const notes = s.generator.notes.concat(s.incomplete_because).map((note) => '; ' + note).join('');
  if (all.planned) say('generator', (s.generator.valid ? 'generator keeps the schedule' : 'generator INVALID') + lag + notes, s.generator.valid ? 'dim' : 'bad');
  say('success', all.success_ratio == null ? '–' : percent(all.success_ratio), all.success_ratio < 0.95 ? 'bad' : '');
  say('failed', whole(all.planned - outcomes.ok) + ' failed');
  for (const [id, count, get] of [['planned', all.planned, (p) => p.planned], ['sent', all.sent, (p) => p.sent], ['ok', outcomes.ok, (p) => p.ok]]) {
    say(id, whole(count));
    say(id + '_rate', s.done ? '' : rate(recent(get)));
  }
  say('received', received() ? whole(s.ledger.received) : '–');
  say('received_rate', !received() ? 'no receipts' : s.done ? '' : rate(recent((p) => p.received)));
  say('in_flight', (s.done ? '' : '≥ ') + whole(s.in_flight_at_least));
  say('in_flight_note', s.done ? 'all ended' : 'a second ago');

  $('alerts').replaceChildren(...s.alerts.map((a) => element('div', { class: 'alert' + (a.firing ? ' firing' : a.known ? '' : ' unknown') },
    element('strong', {}, a.name, element('span', { class: a.firing ? 'bad' : 'dim' }, a.firing ? 'FIRING' : a.known ? 'ok' : 'no data')),
    element('small', {}, a.rule + (a.value ? ' – ' + a.value : '')))));

  const names = [['p50', 'p50'], ['p95', 'p95'], ['p99', 'p99'], ['p99_9', 'p99.9'], ['max', 'max']];
  table('percentiles', [[''].concat(names.map(([, name]) => name))].concat(
    [['latency', 'from due time'], ['service', 'service'], ['e2e', 'end to end'], ['lag', 'our lag']].filter(([metric]) => all.metrics[metric + '_us']).map(([metric, name]) =>
      [name].concat(names.map(([key]) => span(all.metrics[metric + '_us'][key]))))));
  table('errors', Object.entries(outcomes).filter(([name, count]) => count || name === 'ok').map(([name, count]) => [name.replace('_', ' '), [whole(count), name === 'ok' ? 'good' : 'bad']]).concat(
    s.errors.map((e) => [[[e.outcome, e.code, e.message].filter((it) => it != null && it !== '').join(' '), 'text dim'], whole(e.count)])));
  const now = [['received', s.ledger.received], ['acknowledged, not arrived so far', s.ledger.awaited], ['receipts repeated, or ahead of their sample', s.ledger.further]];
  const end = account && [['delivered', account.delivered], ['lost', account.lost], ['duplicates', account.duplicates], ['redelivered', account.redelivered],
    ['in doubt, arrived', account.in_doubt_arrived], ['in doubt, missing', account.in_doubt_missing], ['not acknowledged, arrived', account.unacked_arrived], ['dead-lettered', account.dead_lettered], ['unexpected', account.unexpected]];
  const rows = account ? account.has_receipts ? end : [] : received() ? now : [];
  table('ledger', rows.length ? rows.map(([name, count]) => [name, [whole(count), name === 'lost' && count ? 'bad' : '']]) : [[['no receipts: add the stream of ce-sink to know what was delivered', 'text dim']]]);
  $('slo_card').hidden = !s.objectives.length;
  const tones = { met: 'good', warn: 'warn', missed: 'bad', no_data: 'dim', at_end: 'dim' };
  table('slo', s.objectives.map((o) => [[o.name, 'text'], o.measured, o.wanted, [o.standing.replace('_', ' '), tones[o.standing]]]));
  table('marks', s.marks.length ? s.marks.slice(-12).reverse().map((m) => [clock(m.at_s), [m.what.replaceAll('_', ' ') + ' ' + m.name, 'text']]) : [[['nothing so far', 'text dim']]]);
}

function keep(map, rows) {
  for (const row of rows) map.set(row.second, row);
  for (const old of [...map.keys()].sort((x, y) => x - y).slice(0, Math.max(0, map.size - KEEP))) map.delete(old);
}

const source = new EventSource('/events');
source.onmessage = (message) => {
  const update = JSON.parse(message.data);
  snapshot = update.snapshot;
  keep(points, update.points);
  keep(watch, update.watch);
  figures(snapshot);
  drawAll();
  document.body.dataset.updates = Number(document.body.dataset.updates || 0) + 1;
  if (snapshot.done) source.close();
};
source.onerror = () => { if (!snapshot || !snapshot.done) say('state', 'no connection', 'warn'); };
addEventListener('resize', drawAll);
