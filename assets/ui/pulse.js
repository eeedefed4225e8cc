/* Asks the server whether there is something new, more often while a job waits or runs, at once when the page comes
 * back into view, and says so when nobody answers. value: the mark of what the page shows. Event: 'look', when the server
 * has another. */
const BUSY = 1000, IDLE = 3000, LATE = 20000;
const line = element.querySelector('.pulse'), link = line.querySelector('a');
let next, missed = 0;

async function beat() {
  clearTimeout(next);
  let busy = false;
  try {
    const answer = await fetch('pulse', { signal: AbortSignal.timeout(LATE) });
    if (answer.status >= 500) throw new Error(answer.statusText);
    missed = 0;
    tell(answer.status === 401 ? 'You are signed out.' : '', answer.status === 401);
    const now = answer.ok ? await answer.json() : { mark: props.value };
    busy = now.busy;
    if (now.mark !== props.value) trigger('look');
  } catch {
    if (++missed > 1) tell('The studio does not answer.', false);
  }
  clearTimeout(next);
  next = setTimeout(beat, busy ? BUSY : IDLE);
}

function tell(sentence, out) {
  line.hidden = !sentence;
  line.querySelector('span').textContent = say(sentence);
  link.hidden = !out;
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) beat(); });
next = setTimeout(beat, IDLE);  // the page has just looked
