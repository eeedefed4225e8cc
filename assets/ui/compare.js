/* Two to four clips or stills, locked in time, zoom and place. `show(value)` takes {clips: [{src | file, poster, kind,
 * label}], fps, view}, file being one that gradio gives out; keys: those of a deck, M next view, C swap, H hold to flip, 1-4 sound of, 0 none, + - Z zoom. */
const VIEWS = ['side', 'wipe', 'flip', 'difference', 'opacity'];
const AMOUNTS = { wipe: 50, opacity: 50, difference: 0 };  // where the slider of a view begins
const LETTERS = 'ABCD';

function comparison(root, changed = () => {}) {
  const find = selector => root.querySelector(selector), all = selector => [...root.querySelectorAll(selector)];
  const cells = all('.cell'), screen = find('.screen'), handle = find('.handle'), slider = find('.amount input');
  const clock = new Clock(() => { controls.paint(); offer(); changed(); });
  const controls = deck(root, clock);
  const amounts = { ...AMOUNTS };
  let clips = [], view = 'side', pair = [0, 1], flipped = false, zoom = { scale: 1, x: 0, y: 0 };

  /* Text from outside is only ever set as text. */
  function show(value) {
    clips = value?.clips ?? [];
    pair = [0, 1];
    root.toggleAttribute('data-ready', clips.length > 0);
    const videos = [];
    cells.forEach((cell, number) => {
      const clip = clips[number], video = cell.querySelector('video'), picture = cell.querySelector('img');
      cell.hidden = !clip;
      cell.dataset.kind = clip?.kind ?? '';
      const still = clip?.kind === 'still';
      const src = clip?.src ?? clip?.file?.url;
      still || !clip ? video.removeAttribute('src') : video.src = src;
      if (still || !clip) video.load(); else videos.push(video);
      video.poster = clip && !still ? clip.poster ?? '' : '';
      still ? picture.src = src : picture.removeAttribute('src');
      cell.querySelector('.tag b').textContent = clip ? LETTERS[number] : '';
      cell.querySelector('.tag span').textContent = picture.alt = clip?.label ?? '';
      video.setAttribute('aria-label', clip?.label ?? '');
    });
    const names = clips.map((clip, number) => `${LETTERS[number]} ${clip.label ?? ''}`);
    choices(find('.heard'), [say('none'), ...names], -1);
    for (const name of ['first', 'second']) choices(find('.' + name), names, 0);
    root.toggleAttribute('data-still', videos.length === 0);
    clock.load(videos, value?.fps || 24);
    find('.heard').value = clock.heard;
    place(1, 0, 0);
    look(VIEWS.includes(value?.view) ? value.view : 'side');
    lay();
    if (videos.length && !calm()) clock.play();
  }

  function choices(list, names, from) {
    list.replaceChildren(...names.map((name, number) => new Option(name, number + from)));
  }

  function look(name) {
    view = name;
    flipped = false;
    root.dataset.view = view;
    for (const button of all('.modes button')) button.setAttribute('aria-pressed', button.dataset.view === view);
    find('.amount').hidden = !(view in amounts);
    find('.pair').hidden = view === 'side';
    find('.amount span').textContent = say({ wipe: 'Wipe', opacity: 'Opacity', difference: 'Gain' }[view] ?? '');
    set(amounts[view] ?? 50);
    order();
    lay();
  }

  function set(percent) {
    percent = Math.max(0, Math.min(100, percent));
    if (view in amounts) amounts[view] = percent;
    slider.value = percent;
    handle.setAttribute('aria-valuenow', Math.round(percent));
    root.style.setProperty('--amount', `${percent}%`);
    root.style.setProperty('--mix', percent / 100);
    root.style.setProperty('--gain', 1 + percent / 100 * 15);
  }

  function order() {
    cells.forEach((cell, number) => {
      const place = pair.indexOf(number);
      cell.dataset.place = view === 'side' ? 'all' : ['first', 'second'][place] ?? 'out';
    });
    find('.first').value = pair[0];
    find('.second').value = pair[1];
    root.dataset.flipped = flipped;
    sound();
  }

  function swap() { pair.reverse(); order(); }
  function flip(on) { if (view === 'flip') { flipped = on; root.dataset.flipped = on; } }
  const listened = clip => clock.media.indexOf(cells[clip]?.querySelector('video'));
  function sound() { for (const [number, cell] of cells.entries()) cell.toggleAttribute('data-heard', clock.heard >= 0 && listened(number) === clock.heard); }
  function offer() {
    for (const one of find('.heard').options) one.disabled = one.value >= 0 && silent(cells[one.value].querySelector('video'));
  }
  function hear(clip) { clock.listen(clip < 0 ? -1 : listened(clip)); find('.heard').value = clip; sound(); }

  /* As many columns as make the pictures large. */
  function lay() {
    const picture = cells[0].querySelector(cells[0].dataset.kind === 'still' ? 'img' : 'video');
    const ratio = (picture.videoWidth || picture.naturalWidth || 16) / (picture.videoHeight || picture.naturalHeight || 9);
    const shown = view === 'side' ? Math.max(1, clips.length) : 1, narrow = root.clientWidth < 600 && ratio > 1;
    const columns = shown === 4 ? 2 : narrow ? 1 : shown;
    for (const [name, number] of Object.entries({ ratio, columns, rows: Math.ceil(shown / columns) })) root.style.setProperty('--' + name, number);
  }

  /* Zoom and place are shares of a picture, the same in every cell. */
  function place(scale, x, y) {
    const most = (scale - 1) / 2, kept = value => Math.max(-most, Math.min(most, value));
    zoom = { scale, x: kept(x), y: kept(y) };
    root.style.setProperty('--zoom', zoom.scale);
    root.style.setProperty('--x', `${100 * zoom.x}%`);
    root.style.setProperty('--y', `${100 * zoom.y}%`);
    root.toggleAttribute('data-zoomed', scale > 1);
    find('.fit').textContent = scale > 1 ? `${say('Fit')} (${Math.round(100 * scale)}%)` : say('Fit');
  }
  function magnify(factor, event) {
    const scale = Math.max(1, Math.min(16, zoom.scale * factor)), grown = scale / zoom.scale;
    const box = (event?.target.closest('.cell') ?? screen).getBoundingClientRect();
    const [px, py] = event ? [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5] : [0, 0];
    place(scale, px - (px - zoom.x) * grown, py - (py - zoom.y) * grown);
  }

  function drag(event) {
    if (event.button || !clips.length) return;
    root.focus({ preventScroll: true });
    const box = (view === 'side' ? cells[0] : screen).getBoundingClientRect(), from = { ...zoom, px: event.clientX, py: event.clientY };
    const wipes = view === 'wipe' && (zoom.scale === 1 || event.target.closest('.handle'));
    const move = now => {
      if (wipes) set(100 * (now.clientX - box.left) / box.width);
      else if (zoom.scale > 1) place(from.scale, from.x + (now.clientX - from.px) / box.width, from.y + (now.clientY - from.py) / box.height);
    };
    screen.setPointerCapture(event.pointerId);
    flip(true);
    if (wipes) move(event);
    const done = new AbortController(), end = () => { done.abort(); flip(false); };
    screen.addEventListener('pointermove', move, { signal: done.signal });
    for (const name of ['pointerup', 'pointercancel']) screen.addEventListener(name, end, { signal: done.signal });
  }

  const keys = {
    m: () => look(VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length]), c: swap, h: () => flip(true), z: () => place(1, 0, 0),
    f: controls.full, r: controls.loop, '+': () => magnify(1.25), '=': () => magnify(1.25), '-': () => magnify(0.8),
    0: () => hear(-1), 1: () => hear(0), 2: () => hear(1), 3: () => clips[2] && hear(2), 4: () => clips[3] && hear(3),
    Escape: () => { if (view === 'side') return false; look('side'); return true; },
  };
  function key(event) {
    if (typing(event) || !clips.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (event.target === handle && step) set(amounts.wipe + step);
    else if (act ? act() === false : !transport(clock, event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  root.addEventListener('keydown', key);
  root.addEventListener('keyup', event => { if (event.key.toLowerCase() === 'h') flip(false); });
  screen.addEventListener('pointerdown', drag);
  screen.addEventListener('dblclick', event => zoom.scale > 1 ? place(1, 0, 0) : magnify(2.5, event));
  screen.addEventListener('wheel', event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    magnify(Math.exp(-event.deltaY / 200), event);
  }, { passive: false });
  slider.addEventListener('input', () => set(+slider.value));
  find('.rate').addEventListener('change', event => clock.pace(+event.target.value));
  find('.heard').addEventListener('change', event => hear(+event.target.value));
  find('.fit').addEventListener('click', () => place(1, 0, 0));
  find('.swap').addEventListener('click', swap);
  for (const [number, name] of ['first', 'second'].entries())
    find('.' + name).addEventListener('change', event => {
      const wanted = +event.target.value;
      wanted === pair[1 - number] ? pair.reverse() : pair[number] = wanted;
      order();
    });
  for (const button of all('.modes button')) button.addEventListener('click', () => look(button.dataset.view));
  for (const part of all('video, img')) part.addEventListener(part.tagName === 'IMG' ? 'load' : 'loadedmetadata', lay);
  new ResizeObserver(lay).observe(root);
  root.clock = clock;
  return { show, clock, state: () => ({ view, pair }) };
}
