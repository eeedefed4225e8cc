/* What every part of the page respects. */

/* Keys belong to the text field or the list that has the focus; the space bar also to a button. */
function typing(event) {
  const name = event.target.tagName;
  return ['INPUT', 'TEXTAREA', 'SELECT'].includes(name) || (name === 'BUTTON' && [' ', 'Enter'].includes(event.key));
}

/* Some people do not want things to move by themselves. */
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/* The visitor's language: `given.words` holds the French of what this part says, English sentences are the keys. */
const tongue = navigator.languages.find(name => /^(en|fr)\b/i.test(name)) ?? 'en';
const french = tongue.toLowerCase().startsWith('fr');
const say = (text, values = {}) => {
  const said = (french && given.words[text]) || text;
  return said.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
};
function localise(root) {
  if (!french) return;
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.data.trim();
      if (given.words[text]) node.data = node.data.replace(text, given.words[text]);
      continue;
    }
    for (const name of ['aria-label', 'title', 'placeholder'])
      if (node.hasAttribute(name)) node.setAttribute(name, say(node.getAttribute(name)));
    if (node.content) localise(node.content);
  }
}
