/* The jobs of whoever looks at the page, on every tab. value: {jobs, paused, words}; a job: {id, state, title, note,
 * fraction, picture, acts: [{act, label}], clip}. Events: 'act' {act, job, ahead}, 'unpack' {path}
 * of an uploaded queue. */
const root = element.querySelector('.jobs'), find = selector => root.querySelector(selector);
const drawer = find('.drawer'), counter = find('.counter'), list = find('.list');
const ICONS = {
  cancel: 'M6 6l12 12M18 6L6 18', up: 'M12 19V6M6 11l6-6 6 6', down: 'M12 5v13M6 13l6 6 6-6', retry: 'M19 12a7 7 0 1 1-2-5M19 3v5h-5',
  duplicate: 'M9 9h10v10H9zM5 15V5h10', change: 'M5 19l1-4L16 5l3 3L9 18z',
};
const states = new Map();

function apply() {
  const { jobs = [], paused = false, words = {} } = props.value ?? {};
  const waiting = jobs.filter(job => ['queued', 'running', 'interrupted'].includes(job.state));
  find('.word').textContent = find('h2').textContent = words.jobs ?? 'Jobs';
  find('.many').textContent = waiting.length || '';
  counter.toggleAttribute('data-busy', waiting.some(job => job.state === 'running'));
  counter.setAttribute('aria-label', `${words.jobs}: ${waiting.length}`);
  document.title = waiting.length ? `(${waiting.length}) Rushes` : 'Rushes';
  find('.hold').textContent = paused ? words.resume : words.pause;
  find('.hold').dataset.act = paused ? 'resume' : 'pause';
  find('.close').setAttribute('aria-label', words.close ?? 'Close');
  find('.pack').hidden = !waiting.length;
  find('.none').textContent = jobs.length ? '' : words.none ?? '';
  find('.bell + span').textContent = words.bell ?? '';
  find('.card + span').textContent = words.card ?? '';
  keep(list, jobs, 'id', fill, find('.close'));
  tell(jobs, words);
}

/* Text is only set as text. */
function fill(job, row = find('template').content.firstElementChild.cloneNode(true)) {
  const part = selector => row.querySelector(selector);
  row.dataset.state = job.state;
  part('.title').textContent = part('.title').title = job.title;
  part('.note').textContent = job.note;
  const picture = part('img'), bar = part('progress');
  if (picture.getAttribute('src') !== job.picture) {
    picture.hidden = !job.picture;
    job.picture ? picture.src = job.picture : picture.removeAttribute('src');
  }
  part('.look').setAttribute('aria-label', `${props.value.words.look}: ${job.title}`);
  bar.hidden = job.state !== 'running';
  bar.value = job.fraction;
  bar.setAttribute('aria-label', job.title);
  keep(part('.acts'), job.acts, 'act', icon, part('.look'));
  return row;
}

function icon({ act, label }, there) {
  if (there) return there;
  const made = Object.assign(document.createElement('button'), { type: 'button', title: label });
  made.setAttribute('aria-label', label);
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  picture.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', ICONS[act]);
  picture.append(path);
  made.append(picture);
  return made;
}

/* What has ended since the last look: said to a screen reader and, if wanted, with a sound and a notice. */
function tell(jobs, words) {
  const ended = jobs.filter(job => ['done', 'failed'].includes(job.state) && states.has(job.id) && states.get(job.id) !== job.state);
  states.clear();
  jobs.forEach(job => states.set(job.id, job.state));
  if (!ended.length) return;
  const said = ended.map(job => `${job.state === 'done' ? words.done : words.failed}: ${job.title}`).join('. ');
  find('.heard').textContent = said;
  if (find('.bell').checked) ring();
  if (find('.card').checked && document.hidden && window.Notification?.permission === 'granted') notice(said);
}

/* Chrome on Android has notices, but throws: there they are for service workers alone. */
function notice(said) {
  try { new Notification('Rushes', { body: said }); } catch { find('.notices').hidden = true; }
}

function ring() {
  const sound = new AudioContext(), now = sound.currentTime;
  [[660, 0], [880, 0.14]].forEach(([pitch, after]) => {
    const tone = sound.createOscillator(), level = sound.createGain();
    tone.frequency.value = pitch;
    level.gain.setValueAtTime(0.0001, now + after);
    level.gain.exponentialRampToValueAtTime(0.16, now + after + 0.02);
    level.gain.exponentialRampToValueAtTime(0.0001, now + after + 0.5);
    tone.connect(level).connect(sound.destination);
    tone.start(now + after);
    tone.stop(now + after + 0.55);
  });
  setTimeout(() => sound.close(), 1000);
}

function show(open) {
  drawer.inert = !open;
  root.toggleAttribute('data-open', open);
  counter.setAttribute('aria-expanded', open);
  (open ? find('.close') : counter).focus({ preventScroll: true });
}

counter.addEventListener('click', () => show(drawer.inert));
find('.close').addEventListener('click', () => show(false));
document.addEventListener('keydown', event => { if (event.key === 'Escape' && !drawer.inert) show(false); });
find('.hold').addEventListener('click', event => trigger('act', { act: event.target.dataset.act }));
list.addEventListener('click', event => {
  const row = event.target.closest('.job'), pressed = event.target.closest('button');
  if (!row || !pressed) return;
  const id = row.dataset.id, ids = [...list.querySelectorAll('[data-state=queued], [data-state=interrupted]')].map(one => one.dataset.id);
  const here = ids.indexOf(id), act = pressed.dataset.act ?? 'watch';
  if (act === 'up') trigger('act', { act: 'move', job: id, ahead: ids[here - 1] ?? id });
  else if (act === 'down') trigger('act', { act: 'move', job: id, ahead: ids[here + 2] ?? null });
  else trigger('act', { act, job: id });
  if (['watch', 'change'].includes(act) && innerWidth < 769) show(false);
});
/* A picture that went away meanwhile is none; errors of pictures are heard on their way down only. */
list.addEventListener('error', event => { event.target.hidden = true; }, true);
/* What this browser wants to hear stays in this browser; a page without https has no notices. */
find('.notices').hidden = !window.Notification;
for (const name of ['bell', 'card']) {
  const box = find(`.${name}`);
  box.checked = localStorage.getItem(`rushes-${name}`) === 'on';
  box.addEventListener('change', async () => {
    if (name === 'card' && box.checked && Notification.permission !== 'granted')
      box.checked = await Notification.requestPermission() === 'granted';
    if (name === 'bell' && box.checked) ring();
    localStorage.setItem(`rushes-${name}`, box.checked ? 'on' : 'off');
  });
}
/* The queue as a file: a saved one comes in through the same door as everything. */
find('.unpack input').addEventListener('change', async event => {
  const [file] = event.target.files;
  event.target.value = '';
  if (file) trigger('unpack', await upload(file));
});
watch('value', apply);
apply();
