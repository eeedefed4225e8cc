/* Asks the server whether there is something new, more often while a job waits or runs, at once when the page comes
 * back into view. value: the mark of what the page shows. Event: 'look', when the server has another. */
const BUSY = 1000, IDLE = 3000;
let next;

async function beat() {
  clearTimeout(next);
  let busy = false;
  try {
    const answer = await fetch('pulse');
    const now = answer.ok ? await answer.json() : { mark: props.value };
    busy = now.busy;
    if (now.mark !== props.value) trigger('look');
  } catch { /* the server is away for a moment */ }
  clearTimeout(next);
  next = setTimeout(beat, busy ? BUSY : IDLE);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) beat(); });
beat();
