/* The bar under a picture and the keys that everything with a clock understands. Needs clock.js. */

const stamp = seconds => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, '0')}`;

/* A slider that shows and sets the time of a clock; returns the function that draws it. `tell` says where it stands. */
function timeline(bar, clock, tell = (time, frame, frames) => `${time}, frame ${frame} of ${frames}`) {
  const part = name => bar.querySelector('.' + name);
  const at = event => {
    const box = bar.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  let playing = false;
  bar.addEventListener('pointerdown', event => {
    if (!clock.duration || event.button) return;
    bar.setPointerCapture(event.pointerId);
    bar.focus({ preventScroll: true });
    playing = clock.wanted;
    clock.pause();
    clock.seek(at(event) * clock.duration);
  });
  bar.addEventListener('pointermove', event => {
    if (bar.hasPointerCapture(event.pointerId)) clock.seek(at(event) * clock.duration);
  });
  const released = event => {
    if (!bar.hasPointerCapture(event.pointerId)) return;
    bar.releasePointerCapture(event.pointerId);
    if (playing) clock.play();
  };
  bar.addEventListener('pointerup', released);
  bar.addEventListener('pointercancel', released);
  return () => {
    const whole = clock.duration || 1, percent = seconds => `${100 * Math.min(1, seconds / whole)}%`;
    bar.style.setProperty('--played', percent(clock.time));
    bar.style.setProperty('--from', percent(clock.start));
    bar.style.setProperty('--to', percent(clock.end || whole));
    part('span').hidden = !clock.span;
    bar.setAttribute('aria-valuemax', Math.max(0, clock.frames - 1));
    bar.setAttribute('aria-valuenow', Math.min(clock.frame, clock.frames - 1));
    bar.setAttribute('aria-valuetext', tell(stamp(clock.time), clock.frame + 1, clock.frames));
  };
}

/* What a key does to a clock; false if nothing. The letters are those of film editing: J back, K stop, L on; I and O
 * mark the part to loop. */
function transport(clock, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const faster = way => clock.play(way * Math.min(8, Math.sign(clock.shuttle) === way ? 2 * Math.abs(clock.shuttle) : 1));
  const second = event.shiftKey ? Math.round(clock.fps) : 1;
  const acts = {
    ' ': () => clock.toggle(),
    j: () => faster(-1), k: () => clock.pause(), l: () => faster(1),
    ArrowLeft: () => clock.step(-second), ArrowRight: () => clock.step(second),
    ',': () => clock.step(-1), '.': () => clock.step(1),
    Home: () => clock.seek(clock.start), End: () => clock.seek(clock.end),
    i: () => clock.mark(clock.time, clock.span && clock.span[1] > clock.time ? clock.span[1] : clock.duration),
    o: () => clock.mark(clock.span && clock.span[0] < clock.time ? clock.span[0] : 0, clock.time),
    x: () => clock.mark(0, clock.duration),
  };
  if (!acts[key]) return false;
  acts[key]();
  return true;
}
