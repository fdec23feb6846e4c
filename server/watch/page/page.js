// Asks the server for what has changed, once a second, and shows it. Reads; never writes.
'use strict';

const kEvery = 1000;       // ms between looks
const kMostPoints = 2000;  // of a curve; beyond that Chart.js thins them out
const kMostRows = 500;     // of a table or timeline
const kMostLog = 200;      // refusals shown

const field = (name, text) => {
  for (const at of document.querySelectorAll(`[data-field="${name}"]`)) at.textContent = text;
};
const byId = (id) => document.getElementById(id);
const make = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};
const digits = (value, places) => (value === null || value === undefined ? '–' : value.toFixed(places));
const bytes = (count) => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) { count /= 1000; ++unit; }
  return `${unit === 0 ? count : count.toPrecision(3)} ${units[unit]}`;
};
const duration = (seconds) => {
  if (seconds === null || seconds === undefined) return '–';  // a number that is not finite comes as null
  if (seconds < 60) return `${seconds.toPrecision(2)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
  return answer.json();
}

// --- curves -------------------------------------------------------------------------------------

const curves = {};
function curve(id, lines, most) {
  curves[id] = new Chart(byId(id), {
    type: 'line',
    data: { datasets: lines.map((label) => ({ label, data: [], borderWidth: 2, tension: 0 })) },
    options: {
      animation: false, parsing: false, normalized: true, maintainAspectRatio: false,
      interaction: { mode: 'index', intersect: false },
      scales: { x: { type: 'linear', title: { display: true, text: 'round' }, ticks: { precision: 0 } },
                y: { min: 0, max: most } },
      plugins: { legend: { display: lines.length > 1 },
                 decimation: { enabled: true, algorithm: 'lttb', samples: 500, threshold: kMostPoints } },
    },
  });
}
function paint() {  // in the colours of the moment: light or dark
  const css = getComputedStyle(document.documentElement);
  const color = (name) => css.getPropertyValue(name).trim();
  for (const chart of Object.values(curves)) {
    const hues = [color('--accent'), color('--second')];
    chart.data.datasets.forEach((line, i) => {
      line.borderColor = line.backgroundColor = hues[i % hues.length];
      line.pointRadius = line.data.length > 60 ? 0 : 2;
    });
    for (const axis of Object.values(chart.options.scales)) {
      axis.grid = { color: color('--line') };
      axis.ticks = { ...axis.ticks, color: color('--faint') };
      if (axis.title) axis.title.color = color('--faint');
    }
    chart.options.plugins.legend.labels = { color: color('--ink') };
    chart.update();
  }
}
function put(id, line, x, y) {
  if (y === null || y === undefined) return;
  const data = curves[id].data.datasets[line].data;
  // A round that was lost with its disk is done again, and told again.
  while (data.length > 0 && data[data.length - 1].x >= x) data.pop();
  data.push({ x, y });
}

// --- what happens -------------------------------------------------------------------------------

let next = 0;  // byte of metrics.jsonl
const recent = [];  // seconds of the last rounds
let refused = 0;

function log(event, text) {
  const list = byId('log');
  list.querySelector('.none')?.remove();
  const line = make('li');
  const time = make('time', event.time ? `${event.time.replace('T', ' ').replace('Z', '')} ` : '');
  if (event.time) time.dateTime = event.time;
  line.append(time, text);
  list.prepend(line);
  while (list.children.length > kMostLog) list.lastChild.remove();
}

const told = {
  round(event) {
    put('loss', 0, event.round, event.train_loss);
    put('time', 0, event.round, event.seconds);
    recent.push(event.seconds);
    if (recent.length > 10) recent.shift();
    field('seconds', duration(event.seconds));
  },
  evaluation(event) {
    put('accuracy', 0, event.round, event.accuracy);
    put('loss', 1, event.round, event.loss);
    field('accuracy', digits(event.accuracy, 4));
    field('loss', digits(event.loss, 4));
  },
  refused(event) {
    ++refused;
    log(event, `round ${event.round}: ${event.client}: update refused: ${event.reason}`);
  },
  quarantined(event) { log(event, `round ${event.round}: ${event.client} is in quarantine: ${event.reason}`); },
  draining(event) { log(event, `after round ${event.round}: draining; the open round is the last one of this start`); },
  paused(event) { log(event, `after round ${event.round}: paused: ${event.why}`); },
  resumed(event) { log(event, `after round ${event.round}: goes on`); },
};

async function showEvents() {
  let changed = false;
  for (;;) {
    const answer = await ask(`/api/v1/events?from=${next}`);
    for (const event of answer.events) {
      changed = told[event.event] !== undefined || changed;
      told[event.event]?.(event);
    }
    if (answer.next === next) break;
    next = answer.next;
  }
  field('refused', refused);
  if (changed) paint();
}

// --- where it stands ----------------------------------------------------------------------------

async function showStatus() {
  const status = await ask('/api/v1/status');
  document.title = `${status.run}: round ${status.round} of ${status.rounds}`;
  field('run', status.run);
  field('state', status.state);
  byId('state').className = `badge ${status.state}`;
  field('round', status.round);
  field('rounds', status.rounds);
  byId('progress').max = status.rounds;
  byId('progress').value = status.round;
  const mean = recent.reduce((sum, one) => sum + one, 0) / recent.length;
  const left = status.rounds - status.round;
  field('left', left > 0 && recent.length > 0 ? `, about ${duration(left * mean)} left` : '');
  field('connected', `${status.clients.filter((c) => c.connected).length} of ${status.clients.length}`);
  field('sent', bytes(status.bytes_down));
  field('received', bytes(status.bytes_up));
  field('model', status.model_sha256 ? `model ${status.model_sha256.slice(0, 16)}…` : '');
  const denied = Object.entries(status.denied).map(([cause, times]) => `${cause.replaceAll('_', ' ')}: ${times}`);
  byId('denied').textContent = denied.length > 0 ? `not let in: ${denied.join(', ')}` : '';
}

async function showCohort() {
  const cohort = await ask('/api/v1/cohort');
  if (cohort === null || cohort.clients.length === 0) return;  // between rounds the last one stays
  field('cohort', `of round ${cohort.round}, ${duration(cohort.seconds)}`);
  const rows = cohort.clients.slice(0, kMostRows).map((client) => {
    const row = make('li');
    const name = make('span', client.name);
    const bar = make('div', undefined, 'bar');
    const phases = Object.entries(client.entered).sort((a, b) => a[1] - b[1]);
    phases.forEach(([phase, at], i) => {
      const until = i + 1 < phases.length ? phases[i + 1][1] : cohort.seconds;
      const part = make('i', undefined, phase);
      part.style.left = `${(100 * at) / cohort.seconds}%`;
      part.style.width = `${(100 * Math.max(0, until - at)) / cohort.seconds}%`;
      bar.append(part);
    });
    const said = phases.map(([phase, at]) => `${phase} at ${at.toFixed(1)} s`).join(', ');
    bar.title = said;
    bar.setAttribute('role', 'img');
    bar.setAttribute('aria-label', said);
    row.append(name, bar);
    return row;
  });
  byId('cohort').replaceChildren(...rows);
}

// --- clients ------------------------------------------------------------------------------------

const where = (client) => {
  if (client.quarantined) return 'in quarantine';
  if (!client.connected) return 'away';
  return client.phase ?? 'ready';
};
const heard = (client) => {
  if (client.connected) return client.quiet_s === undefined ? 0 : client.quiet_s;
  return client.away_s ?? Infinity;
};
const columns = [
  ['name', (c) => c.name], ['state', where],
  ['last seen', heard, (c) => (heard(c) === Infinity ? 'not yet' : heard(c) < 1 ? 'now' : `${duration(heard(c))} ago`)],
  ['training examples', (c) => c.train_examples], ['updates', (c) => c.updates ?? 0],
  ['refused', (c) => c.refused ?? 0],
  ['update norm', (c) => c.update_norm ?? -1, (c) => digits(c.update_norm, 3)],
  ['training loss', (c) => c.train_loss ?? -1, (c) => digits(c.train_loss, 4)],
  ['training time', (c) => c.seconds ?? -1, (c) => duration(c.seconds)],
  ['sent', (c) => c.bytes_down ?? 0, (c) => bytes(c.bytes_down ?? 0)],
  ['received', (c) => c.bytes_up ?? 0, (c) => bytes(c.bytes_up ?? 0)],
  ['address', (c) => c.address],
];
let clients = [];
let sorted = { column: 0, down: false };

function showClients() {
  const wanted = byId('filter').value.trim().toLowerCase();
  const value = columns[sorted.column][1];
  const chosen = clients
    .filter((c) => `${c.name} ${where(c)} ${c.address}`.toLowerCase().includes(wanted))
    .sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const order = x < y ? -1 : x > y ? 1 : 0;
      return sorted.down ? -order : order;
    });
  const rows = chosen.slice(0, kMostRows).map((client) => {
    const row = make('tr', undefined, client.quarantined ? 'out' : client.connected ? '' : 'away');
    row.append(...columns.map(([, get, show]) => {
      const text = show ? show(client) : get(client);
      return make('td', text, typeof get(client) === 'string' ? 'text' : '');
    }));
    return row;
  });
  byId('clients').tBodies[0].replaceChildren(...rows);
  byId('shown').textContent = rows.length < clients.length ? `${rows.length} of ${clients.length}` : '';
}

function makeTable() {
  const head = byId('clients').tHead.rows[0];
  columns.forEach(([name], i) => {
    const cell = make('th');
    cell.scope = 'col';
    const button = make('button', name);
    button.type = 'button';
    button.addEventListener('click', () => {
      sorted = { column: i, down: sorted.column === i ? !sorted.down : i > 1 };
      for (const other of head.cells) other.removeAttribute('aria-sort');
      cell.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending');
      showClients();
    });
    cell.append(button);
    head.append(cell);
  });
  head.cells[0].setAttribute('aria-sort', 'ascending');
  byId('filter').addEventListener('input', showClients);
}

// --- again and again ----------------------------------------------------------------------------

let since = null;  // when the connection was lost

async function look() {
  try {
    await showEvents();
    await showStatus();
    await showCohort();
    clients = await ask('/api/v1/clients');
    showClients();
    since = null;
    byId('lost').hidden = true;
  } catch (error) {
    since ??= new Date();
    byId('lost').textContent = `no word from the server since ${since.toLocaleTimeString()} (${error.message}); trying again`;
    byId('lost').hidden = false;
  }
}
async function keepLooking() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, kEvery));
  }
}

makeTable();
curve('accuracy', ['accuracy'], 1);
curve('loss', ['training', 'test']);
curve('time', ['seconds']);
paint();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
keepLooking();
