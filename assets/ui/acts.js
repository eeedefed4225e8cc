/* What can be done with a clip. `did(kind, name, card)` hears what is pressed, kind being 'act' or 'keep'. Returns the
 * function that shows the buttons for a card. */
function actions(node, did) {
  let card = null;
  node.addEventListener('click', event => {
    const item = event.target.closest('button, a');
    if (!item || !card) return;
    const { act, keep } = item.dataset;
    act ? did('act', act, card) : did('keep', keep, card);
  });
  return shown => {
    card = shown;
    node.querySelector('[data-keep=star]').setAttribute('aria-pressed', card.starred);
    Object.assign(node.querySelector('.file'), { href: card.src, download: card.file });
  };
}
const save = (href, name) => Object.assign(document.createElement('a'), { href, download: name }).click();
