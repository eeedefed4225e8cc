/* The page of somebody who votes by a link: fetches a pair, hands it to the vote, sends what was said. `mount` is the
 * vote's own script. Addresses are relative to /vote/<link>; text from the server reaches the page as text only. */
const link = location.pathname.split('/').pop();
const element = document.getElementById('vote'), notice = document.getElementById('notice');
const props = { value: null }, watched = [];
const say = mount(element, trigger, props, (name, callback) => watched.push(callback));

function show(value) {
  props.value = value;
  watched.forEach(callback => callback());
  if (!value) return;
  scrollTo(0, 0);
  element.querySelector('.compare').focus({ preventScroll: true });
}

function tell(sentence) {
  notice.hidden = !sentence;
  notice.textContent = sentence;
}

async function ask(path, body) {
  const options = body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {};
  const answer = await fetch(`${link}/${path}`, { cache: 'no-store', ...options });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

async function next() {
  try {
    const { ballot } = await ask('next');
    tell(ballot ? '' : say('That was all. Thank you: every vote is kept.'));
    show(ballot && { ...ballot, left: `media/${ballot.left}`, right: `media/${ballot.right}` });
  } catch (error) {
    show(null);
    tell(sentence(error));
  }
}

/* A vote that does not arrive can be sent again: the server counts each ballot once. */
async function trigger(name, { ballot, answers }) {
  try {
    await ask('ballot', { ballot, answers });
  } catch (error) {
    tell(sentence(error));
    element.querySelector('form').dispatchEvent(new Event('change'));
    return;
  }
  await next();
}

const sentence = error => error instanceof TypeError || error instanceof SyntaxError
  ? say('The studio does not answer; try again in a moment.') : error.message;
element.addEventListener('error', event => {
  if (event.target.getAttribute('src')) tell(say('A clip could not be loaded; reload the page.'));
}, true);
next();
