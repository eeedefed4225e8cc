/* One play head for one to four videos.
 *
 * The leader (the one that is heard, else the longest) keeps the time. On every frame of the screen the others are bent
 * towards it: a small lag by their speed, a large one by a seek. Nothing moves on until every video has its picture.
 * Time ends with the longest; a shorter one holds its last frame meanwhile, which is what `over` says. Times are seconds; a frame is asked for in its middle, so that all videos land on the same one.
 * What nobody sees stands still until it is seen again, but for a sound that is scrolled away from. */
class Clock {
  constructor(changed) {
    this.changed = changed;
    this.media = [];
    this.fps = 24;
    this.rate = 1;          // speed of normal play
    this.shuttle = 0;       // what J and L made of it: 0 stands, negative runs back
    this.span = null;       // [from, to] in seconds, or null for the whole
    this.loop = true;
    this.heard = -1;        // which one has the sound; -1 none
    this.wanted = false;    // play was asked for, even while videos are still loading
    this.target = null;     // the latest seek that still waits for the one before it
    this.seeking = false;
    this.events = null;
    this.seen = new Set();
    this.sight = new IntersectionObserver(changes => {
      for (const { target, isIntersecting } of changes) this.seen[isIntersecting ? 'add' : 'delete'](target);
      this.away ? this.hold() : this.resume();
    });
  }

  /* Takes the videos over. Everything is reset but speed, loop and sound. */
  load(media, fps) {
    this.events?.abort();
    this.events = new AbortController();
    this.sight.disconnect();
    this.seen.clear();
    Object.assign(this, { media, fps, span: null, wanted: false, shuttle: 0, target: null, seeking: false });
    if (this.heard >= media.length) this.heard = -1;
    const on = { signal: this.events.signal };
    for (const video of media) {
      this.sight.observe(video);
      video.addEventListener('waiting', () => this.over(video) || this.hold(), on);
      video.addEventListener('canplay', () => this.resume(), on);
      video.addEventListener('ended', () => this.wanted && video === this.longest && this.wrap(), on);
      for (const name of ['loadedmetadata', 'error', 'progress']) video.addEventListener(name, () => this.changed(), on);
    }
    this.listen(this.heard);
  }

  get longest() { return this.media.reduce((most, video) => video.duration > most.duration ? video : most, this.media[0]); }
  get leader() {
    const heard = this.media[this.heard];
    return heard && !this.over(heard) ? heard : this.longest;
  }
  over(video) { return video !== this.longest && (video.ended || video.currentTime >= video.duration - 0.6 / this.fps); }
  /* Where a video stands at a time of the clock. */
  within(video, time) { return Math.min(time, Math.max(0, (video.duration || Infinity) - 0.5 / this.fps)); }
  get time() { return this.target ?? this.leader?.currentTime ?? 0; }
  get frame() { return Math.floor(this.time * this.fps + 1e-3); }
  get duration() {
    const known = this.media.map(video => video.duration).filter(Number.isFinite);
    return known.length && known.length === this.media.length ? Math.max(...known) : 0;
  }
  get away() { return !this.seen.size && !this.media[this.heard]?.checkVisibility(); }
  get start() { return this.span ? this.span[0] : 0; }
  get end() { return this.span ? this.span[1] : this.duration; }
  get frames() { return Math.max(1, Math.round(this.duration * this.fps)); }
  get ready() { return this.media.length > 0 && this.media.every(video => video.readyState >= 3 || this.over(video)); }
  get drift() {
    const now = this.leader.currentTime;
    return Math.max(0, ...this.media.map(video => this.over(video) ? 0 : Math.abs(video.currentTime - this.within(video, now))));
  }

  /* Only one is heard; it leads, because a change of its speed would be audible. */
  listen(index) {
    this.heard = index;
    this.media.forEach((video, number) => { video.muted = number !== index; });
    if (this.leader) this.leader.playbackRate = this.speed;
    this.changed();
  }

  get speed() { return this.rate * Math.max(1, this.shuttle); }
  pace(rate) { this.rate = rate; this.shuttle = Math.sign(this.shuttle); this.apply(); }
  apply() { this.media.forEach(video => { video.playbackRate = this.speed; }); this.changed(); }

  async play(shuttle = 1) {
    if (!this.media.length) return;
    this.wanted = true;
    this.shuttle = shuttle;
    this.apply();
    if (shuttle < 0) return this.rewind();
    const late = this.end - 0.5 / this.fps;
    if (this.duration && (this.time >= late || this.time < this.start - 0.5 / this.fps)) await this.seek(this.start);
    this.resume();
  }

  pause() {
    this.wanted = false;
    this.shuttle = 0;
    this.hold();
    this.apply();
    if (this.media.length > 1 && this.drift > 0.25 / this.fps) this.seek(this.time);
  }

  toggle() { this.wanted ? this.pause() : this.play(); }

  hold() { this.media.forEach(video => video.pause()); }

  resume() {
    if (!this.wanted || this.away || this.seeking || this.shuttle < 0 || !this.ready) return;
    this.around();
    for (const video of this.media.filter(video => !this.over(video)))
      video.play().catch(error => { if (error.name === 'NotAllowedError') this.pause(); });
    this.watch();
  }

  /* All videos to one time. While a seek is under way only the latest wish is kept. */
  async seek(time) {
    const last = Math.max(0, this.duration - 0.5 / this.fps);
    this.target = Math.max(0, Math.min(time, last));
    this.changed();
    if (this.seeking) return;
    this.seeking = true;
    const { signal } = this.events;
    while (this.target !== null && !signal.aborted) {
      const goal = this.target;
      this.hold();
      await Promise.all(this.media.map(video => arrive(video, this.within(video, goal))));
      if (this.target === goal) this.target = null;
    }
    if (signal.aborted) return;
    this.seeking = false;
    this.changed();
    this.resume();
  }

  toFrame(frame) { return this.seek((frame + 0.5) / this.fps); }
  step(frames) { const from = this.frame; this.pause(); return this.toFrame(Math.max(0, from + frames)); }

  repeat(on) {
    this.loop = on;
    this.around();
    this.changed();
  }

  /* One alone goes around by itself, without a gap; two would drift apart. */
  around() { this.media.forEach(video => { video.loop = this.media.length === 1 && this.loop && !this.span; }); }

  wrap() {
    if (!this.loop) { this.pause(); return; }
    this.seek(this.start);
  }

  /* A loop of a part: from and to are seconds; the part has at least two frames. */
  mark(from, to) {
    const least = 2 / this.fps;
    this.span = to - from < least || (from <= 0 && to >= this.duration) ? null : [Math.max(0, from), Math.min(to, this.duration)];
    this.repeat(this.loop);
  }

  watch() {
    if (this.watching) return;
    this.watching = true;
    let drawn;
    const tick = () => {
      this.watching = this.wanted && !this.away && this.leader?.isConnected;
      if (!this.watching) return;
      if (!this.seeking && !this.leader.paused) this.follow();
      if (drawn !== this.frame) this.changed();
      drawn = this.frame;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  follow() {
    const now = this.leader.currentTime;
    const alone = this.media.length === 1 && !this.span && this.loop;
    if (!alone && this.duration && now >= this.end - 0.5 / this.fps) { this.wrap(); return; }
    for (const video of this.media) {
      if (video === this.leader || this.over(video)) continue;
      const lag = this.within(video, now) - video.currentTime;
      if (Math.abs(lag) > 0.25) { this.seek(now); return; }
      const bend = Math.abs(lag) < 0.002 ? 0 : Math.max(-0.5, Math.min(0.5, lag * 6));
      video.playbackRate = Math.max(0.0625, this.speed * (1 + bend));
    }
  }

  /* Browsers cannot play backwards: a chain of seeks, as quick as they come. */
  async rewind() {
    this.hold();
    let before = performance.now();
    const { signal } = this.events;
    while (this.shuttle < 0 && this.wanted && !signal.aborted && this.leader.isConnected) {
      await new Promise(requestAnimationFrame);
      const now = performance.now(), back = (now - before) / 1000 * this.rate * -this.shuttle;
      if (back < 1 / this.fps) continue;
      before = now;
      const goal = this.time - back;
      await this.seek(goal > this.start ? goal : this.loop ? this.end : this.start);
      if (goal <= this.start && !this.loop) this.pause();
    }
  }
}

/* Resolves when the picture of that time is there, or after a second and a half without it. */
function arrive(video, time) {
  if (Math.abs(video.currentTime - time) < 1e-4 && !video.seeking) return Promise.resolve();
  return new Promise(done => {
    const late = setTimeout(done, 1500);
    video.addEventListener('seeked', () => { clearTimeout(late); done(); }, { once: true });
    video.currentTime = time;
  });
}

/* Whether a film has no sound, as far as its browser tells: Firefox, Safari and Chrome each have a way of their own. */
function silent(video) {
  if (video.readyState < 2) return false;
  const shows = video.webkitVideoDecodedByteCount > 0;
  return video.mozHasAudio === false || video.audioTracks?.length === 0 || (shows && video.webkitAudioDecodedByteCount === 0);
}
