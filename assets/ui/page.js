/* Keys of the whole page: Ctrl/Cmd+Enter generates, Alt+Up and Alt+Down go through the prompts of before. What was typed
 * is not lost: it is there again after a reload, and among the prompts of before when a card or a job fills the form.
 * Where people sign in, it is kept for each of them: the next one in this browser does not read it. */
() => {
  const who = document.cookie.match(/(?:^|; )rushes_name=([^;]*)/)?.[1] ?? '', own = who && `${who}-`;
  const KEY = `rushes-${own}prompts`, DRAFT = `rushes-${own}draft-`, MOST = 50;
  const before = () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? []; } catch { return []; } };
  const french = /^fr\b/i.test(navigator.languages.find(name => /^(en|fr)\b/i.test(name)));
  const seen = selector => [...document.querySelectorAll(selector)].find(one => one.offsetParent);
  const box = () => seen('.ask-prompt textarea');
  const boxes = () => [...document.querySelectorAll('.ask-prompt textarea')];
  const id = one => one.closest('.ask-prompt').id;
  const met = new WeakSet();
  let place = -1, draft = '', held = {};

  function write(one, text) {
    one.value = text;
    one.dispatchEvent(new Event('input', { bubbles: true }));
  }
  function keep() {
    const said = [box(), ...boxes()].map(one => one?.value.trim()).filter(Boolean);
    if (said.length) localStorage.setItem(KEY, JSON.stringify([...new Set([...said, ...before()])].slice(0, MOST)));
    place = -1;
  }
  function restore() {
    for (const one of boxes().filter(one => !met.has(one))) {
      met.add(one);
      const text = sessionStorage.getItem(DRAFT + id(one));
      if (text && !one.value) write(one, text);
    }
  }

  async function copy(button) {
    const name = button.textContent, done = french ? 'Copi\u00e9' : 'Copied';
    if (name === done) return;
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch { prompt(name, button.dataset.copy); return; }
    button.textContent = done;
    setTimeout(() => { button.textContent = name; }, 2000);
  }

  /* To the form that a card has filled, once its tab is drawn: a telephone shows it, elsewhere the keys go on there. */
  function toForm(tries = 20) {
    const one = box();
    if (!one && tries) setTimeout(toForm, 100, tries - 1);
    else if (innerWidth < 769) one?.closest('.ask-prompt').scrollIntoView({ block: 'center', behavior: 'smooth' });
    else one?.focus();
  }

  addEventListener('ordered', () => toForm());
  document.addEventListener('keydown', event => {
    const go = seen('.ask-go');
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && go && !go.disabled) {
      event.preventDefault();
      if (!event.repeat) go.click();
    }
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || !event.altKey || event.target !== box()) return;
    event.preventDefault();
    const all = before();
    if (place < 0) draft = box().value;
    place = Math.max(-1, Math.min(all.length - 1, place + way));
    write(box(), place < 0 ? draft : all[place]);
  });
  document.addEventListener('click', event => {
    const on = selector => event.target.closest?.(selector);
    if (on('.ask-go, [data-act]')) keep();
    if (on('[data-copy]')) copy(on('[data-copy]'));
    if (on('[data-act=change]')) held = Object.fromEntries(boxes().map(one => [id(one), one.value]));
    if (on('.ask-leave') && box() && id(box()) in held) write(box(), held[id(box())]);
    if (on('[role=tab]')) setTimeout(restore, 500);  // its boxes are drawn when it opens for the first time
  }, true);
  document.addEventListener('input', ({ target }) => {
    const full = target.maxLength > 0 && target.value.length >= target.maxLength, most = target.maxLength?.toLocaleString();
    const says = french ? `${most} caract\u00e8res sur ${most} : rien de plus n'entre` : `${most} of ${most} characters: no more fits`;
    target.closest?.('.ask-prompt')?.toggleAttribute('data-full', full);
    if (full) target.closest('.ask-prompt')?.setAttribute('data-full', says);
  });
  addEventListener('pagehide', () => { for (const one of boxes()) sessionStorage.setItem(DRAFT + id(one), one.value); });
  document.documentElement.lang = french ? 'fr' : 'en';
  restore();
}
