/* What can be done with a clip. `closed` says why an act is grey; `did(kind, name, card)` hears the others, kind being
 * 'act' or 'keep'. Returns the function that shows the buttons for a card. */
function actions(node, closed, did) {
  let card = null;
  const why = node.querySelector('.why');
  const explain = event => { why.textContent = say(closed[event.target.closest('[data-act]')?.dataset.act] ?? ''); };
  node.addEventListener('pointerover', explain);
  node.addEventListener('focusin', explain);
  node.addEventListener('click', event => {
    const item = event.target.closest('button, a');
    if (!item || !card) return;
    const { act, keep } = item.dataset;
    if (act in closed) why.textContent = say(closed[act]);
    else if (act) did('act', act, card);
    else did('keep', keep, card);
  });
  return shown => {
    card = shown;
    why.textContent = '';
    for (const item of node.querySelectorAll('[data-act]')) item.setAttribute('aria-disabled', item.dataset.act in closed);
    node.querySelector('[data-keep=star]').setAttribute('aria-pressed', card.starred);
    Object.assign(node.querySelector('.file'), { href: card.src, download: card.file });
  };
}
const save = (href, name) => Object.assign(document.createElement('a'), { href, download: name }).click();
