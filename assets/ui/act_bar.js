/* The same acts in a row, for the one clip that is shown. value: a card or null. Events as those of cards.js. */
const root = element.querySelector('.acts');
const show = actions(root, (kind, name, card) => {
  if (kind === 'act') { trigger('act', { act: name, clip: card.id, clips: [card.id] }); return; }
  if (!name) return;
  if (name === 'star') card.starred = !card.starred;
  trigger('keep', { act: name, clips: [card.id], on: card.starred });
  show(card);
});
function apply() {
  root.hidden = !props.value;
  if (props.value) show({ ...props.value });
}
watch('value', apply);
apply();
