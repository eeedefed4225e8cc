/* Facts of several clips side by side. value: {columns: [{label, poster}], rows: [{name, values, note}]} or null.
 * Event: 'drop' {number} takes a column away. Text from outside is only ever set as text. */
const root = element.querySelector('.sheet');
const find = selector => root.querySelector(selector);
const make = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text ?? '' }, more);

function apply() {
  const { columns, rows } = props.value || { columns: [], rows: [] }, only = find('input').checked;
  root.hidden = !columns.length;
  find('thead tr').replaceChildren(make('th'), ...columns.map(head));
  const shown = rows.filter(row => !only || new Set(row.values.filter(value => value !== '-')).size > 1);
  find('tbody').replaceChildren(...shown.flatMap(line));
  find('.nothing').hidden = shown.length > 0;
}

function head(column, number) {
  const cell = make('th', '', { scope: 'col' });
  const picture = make('img', '', { alt: '', loading: 'lazy' });
  if (column.poster) picture.src = column.poster;
  picture.hidden = !column.poster;
  const drop = make('button', say('Remove'), { type: 'button', onclick: () => trigger('drop', { number }) });
  drop.setAttribute('aria-label', `${say('Remove')} ${column.label}`);
  cell.append(picture, make('span', `${'ABCD'[number]}  ${column.label}`), drop);
  return cell;
}

function line(row) {
  const part = make('tr');
  part.append(make('th', say(row.name), { scope: 'row' }), ...row.values.map(value => make('td', value)));
  if (!row.note) return [part];
  const note = make('tr', '', { className: 'note' });
  note.append(make('td'), make('td', row.note, { colSpan: row.values.length }));
  return [part, note];
}

find('input').addEventListener('change', apply);
watch('value', apply);
apply();
