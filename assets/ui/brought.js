/* A file that a request needs. value: {picture, film, says} once it is there, {refused} if it was not taken, or null.
 * Events: 'bring' {path, name} after an upload, 'away'. */
const root = element.querySelector('.brought'), find = selector => root.querySelector(selector);
const zone = find('.zone'), file = find('input'), there = find('figure'), film = find('video'), picture = find('img');
find('.title').textContent = say(given.title);
find('.call').textContent = say(given.call);
find('.hint').textContent = say(given.hint);
file.setAttribute('aria-label', `${say(given.title)}: ${say(given.call)}`);
file.accept = given.accept;

function apply() {
  const value = props.value ?? {}, here = Boolean(value.picture);
  root.removeAttribute('data-busy');
  zone.hidden = here;
  there.hidden = !here;
  tell(value.refused ?? '', Boolean(value.refused));
  picture.hidden = !here || Boolean(value.film);
  film.hidden = !value.film;
  if (here) picture.src = film.poster = value.picture;
  if (value.film && !calm()) film.src = value.film;
  if (!value.film) film.removeAttribute('src');
  find('figcaption').textContent = value.says ?? '';
}

function tell(text, refused) {
  find('.said').textContent = text;
  find('.said').toggleAttribute('data-refused', refused);
}

async function bring(one) {
  if (!one) return;
  root.setAttribute('data-busy', '');
  tell(say('Taking it in'), false);
  try {
    const { path } = await upload(one);
    trigger('bring', { path, name: one.name });
  } catch {
    root.removeAttribute('data-busy');
    tell(say('The file did not arrive; it may be too large.'), true);
  }
  file.value = '';
}

file.addEventListener('change', () => bring(file.files[0]));
find('.away').addEventListener('click', () => trigger('away', {}));
for (const name of ['dragenter', 'dragover']) root.addEventListener(name, event => { event.preventDefault(); root.setAttribute('data-over', ''); });
for (const name of ['dragleave', 'drop']) root.addEventListener(name, () => root.removeAttribute('data-over'));
root.addEventListener('drop', event => { event.preventDefault(); bring(event.dataTransfer.files[0]); });
watch('value', apply);
apply();
