/* The words that a model knows. props.axes: {axis: [names]}, props.seldom: names that it seldom manages; value: {said: {axis:
   name}, titles: {axis: title}, colour}. */
const root = element.querySelector('.palette'), tabs = root.querySelector('.axes'), chips = root.querySelector('.chips');
let open = Object.keys(props.axes)[0], stop = 'dice';  // the one chip that Tab reaches

function button(text, kind) {
  const made = Object.assign(document.createElement('button'), { type: 'button', textContent: text, className: kind });
  return made;
}

function apply() {
  const { said = {}, titles = {}, colour = false } = props.value ?? {};
  const axes = Object.keys(props.axes).filter(axis => axis !== 'colour' || colour);
  if (!axes.includes(open)) open = axes[0];
  const focus = document.activeElement?.dataset?.key;
  tabs.replaceChildren(...axes.map(axis => {
    const tab = button(titles[axis] ?? axis, 'axis');
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-selected', axis === open);
    tab.tabIndex = axis === open ? 0 : -1;
    tab.toggleAttribute('data-said', axis in said);
    tab.dataset.axis = axis;
    tab.dataset.key = `axis ${axis}`;
    return tab;
  }));
  chips.setAttribute('aria-label', titles[open] ?? open);
  chips.replaceChildren(dice(), ...props.axes[open].map(name => {
    const chip = button(name, 'chip');
    chip.setAttribute('aria-pressed', said[open] === name);
    chip.dataset.name = name;
    if (props.seldom.includes(name)) { chip.classList.add('seldom'); chip.title = titles.seldom; }
    chip.dataset.key = `name ${name}`;
    return chip;
  }));
  rove();
  if (focus) root.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
}

function rove() {
  const all = [...chips.children], held = all.find(chip => chip.dataset.key === stop) ?? all[0];
  for (const chip of all) chip.tabIndex = chip === held ? 0 : -1;
}

function dice() {
  const made = button(props.value?.titles?.surprise ?? 'Surprise me', 'dice');
  made.dataset.key = 'dice';
  return made;
}

tabs.addEventListener('click', event => {
  const tab = event.target.closest('.axis');
  if (tab) { open = tab.dataset.axis; apply(); chips.scrollTop = 0; }
});
tabs.addEventListener('keydown', event => {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const all = [...tabs.querySelectorAll('.axis')], here = all.indexOf(event.target);
  if (!way || here < 0) return;
  event.preventDefault();
  const next = all[(here + way + all.length) % all.length];
  open = next.dataset.axis;
  next.focus();
  apply();
});
chips.addEventListener('focusin', event => { stop = event.target.dataset.key; rove(); });
chips.addEventListener('keydown', event => {
  const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], all = [...chips.children];
  if (!way) return;
  event.preventDefault();
  all[(all.indexOf(event.target) + way + all.length) % all.length].focus();
});
chips.addEventListener('click', event => {
  const chip = event.target.closest('.chip');
  if (event.target.closest('.dice')) trigger('surprise');
  if (chip) trigger('word', { axis: open, name: chip.dataset.name });
});
watch('value', apply);
apply();
