/* What stands under a picture. Needs clock.js and timeline.js. */

/* Connects timeline, play, steps, loop and full screen inside `root`; returns the function that draws them. */
function deck(root, clock) {
  const find = selector => root.querySelector(selector);
  const frame = (n, all) => say('frame {n} of {all}', { n, all });
  const line = timeline(find('.timeline'), clock, (time, n, all) => `${time}, ${frame(n, all)}`);
  const acts = {
    play: () => clock.toggle(), back: () => clock.step(-1), on: () => clock.step(1),
    loop: () => clock.repeat(!clock.loop),
    full: () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.(),
  };
  for (const [name, act] of Object.entries(acts)) find('.' + name).addEventListener('click', act);
  const paint = () => {
    const pace = clock.rate * (clock.shuttle || 1);
    root.dataset.playing = clock.wanted;
    find('.play').setAttribute('aria-label', say(clock.wanted ? 'Pause' : 'Play'));
    find('.loop').setAttribute('aria-pressed', clock.loop);
    find('.time').textContent = `${stamp(clock.time)} / ${stamp(clock.duration)}`;
    find('.frame').textContent = frame(Math.min(clock.frame + 1, clock.frames), clock.frames);
    find('.speed').textContent = pace === 1 ? '' : `${pace}x`;
    line();
  };
  return { paint, ...acts };
}
