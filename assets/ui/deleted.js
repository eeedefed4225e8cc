/* Clips that can be brought back. value: [{id, picture, says}]. Event: 'back' {clip}. Text from outside is only ever set
 * as text. */
const root = element.querySelector('.deleted'), find = selector => root.querySelector(selector);

function apply() {
  const clips = props.value ?? [];
  find('.hint').textContent = clips.length
    ? say('Press one to bring it back; after 30 days they are gone for good.') : say('Nothing was deleted in the last 30 days.');
  find('.list').replaceChildren(...clips.map(one));
}

function one({ id, picture, says }) {
  const part = find('template').content.firstElementChild.cloneNode(true);
  part.querySelector('img').src = picture;
  part.querySelector('span').textContent = says;
  part.title = `${say('Bring back')}: ${says}`;
  part.addEventListener('click', () => {
    part.disabled = true;
    trigger('back', { clip: id });
  });
  return part;
}

watch('value', apply);
apply();
