/* Keys of the whole page: Ctrl/Cmd+Enter generates, Alt+Up and Alt+Down go through the prompts of before. */
() => {
  const KEY = 'rushes-prompts', MOST = 50;
  const before = () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? []; } catch { return []; } };
  const seen = selector => [...document.querySelectorAll(selector)].find(one => one.offsetParent);
  const box = () => seen('.ask-prompt textarea');
  let place = -1, draft = '';

  document.addEventListener('keydown', event => {
    const go = seen('.ask-go');
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && go && !go.disabled) {
      event.preventDefault();
      go.click();
    }
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || !event.altKey || event.target !== box()) return;
    event.preventDefault();
    const all = before();
    if (place < 0) draft = box().value;
    place = Math.max(-1, Math.min(all.length - 1, place + way));
    box().value = place < 0 ? draft : all[place];
    box().dispatchEvent(new Event('input', { bubbles: true }));
  });
  document.addEventListener('click', event => {
    if (!event.target.closest?.('.ask-go') || !box()?.value.trim()) return;
    const said = box().value.trim();
    localStorage.setItem(KEY, JSON.stringify([said, ...before().filter(one => one !== said)].slice(0, MOST)));
    place = -1;
  });
  document.documentElement.lang = (navigator.language || 'en').startsWith('fr') ? 'fr' : 'en';
}
