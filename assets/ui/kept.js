/* Fills a node with a child for each of `items`, which `name` (id, act) tells from one another. A child that is there stays
 * the same one, and where it is if it can: a press that is under way and the focus outlive an update. `draw(item, child)`
 * fills in the child of that name, or makes one; `otherwise` gets the focus when what had it is gone. */
function keep(node, items, name, draw, otherwise) {
  const inside = node.contains(document.activeElement);
  const before = new Map([...node.children].map(child => [child.dataset[name], child]));
  const children = items.map(item => {
    const child = draw(item, before.get(item[name]));
    child.dataset[name] = item[name];
    return child;
  });
  const held = document.activeElement;  // asked now: what has drawn a child may have moved it on
  for (const child of before.values()) if (!children.includes(child)) child.remove();
  children.forEach((child, at) => { if (node.children[at] !== child) node.insertBefore(child, node.children[at] ?? null); });
  if (inside && !node.contains(document.activeElement)) (node.contains(held) ? held : otherwise).focus({ preventScroll: true });
}
