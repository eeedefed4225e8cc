/* value: {clips, fps, view} as compare.js takes it, or null. A clip with an id is in the gallery and can be linked to. */
const root = element.querySelector('.compare'), link = root.querySelector('.link');
const compared = comparison(root);

function apply() {
  const clips = props.value?.clips ?? [];
  compared.show(props.value || null);
  link.hidden = !clips.length || !clips.every(clip => clip.id);
}

link.addEventListener('click', async () => {
  const { view, pair } = compared.state(), ids = props.value.clips.map(clip => clip.id);
  const order = [...pair, ...ids.keys()].filter((number, at, all) => number < ids.length && all.indexOf(number) === at);
  const words = new URLSearchParams({ tab: 'compare', clips: order.map(number => ids[number]), view });
  try {
    await navigator.clipboard.writeText(`${location.origin}${location.pathname}?${words}`);
    link.textContent = say('Copied');
  } catch { prompt(say('Copy link'), `${location.origin}${location.pathname}?${words}`); }
  setTimeout(() => { link.textContent = say('Copy link'); }, 2000);
});
watch('value', apply);
apply();
