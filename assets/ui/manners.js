/* What every part of the page respects. */

/* Keys belong to the text field or the list that has the focus; the space bar also to a button. */
function typing(event) {
  const name = event.target.tagName;
  return ['INPUT', 'TEXTAREA', 'SELECT'].includes(name) || (name === 'BUTTON' && [' ', 'Enter'].includes(event.key));
}

/* Some people do not want things to move by themselves. */
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
