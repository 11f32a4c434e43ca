// Tells when a letter has come. The page works without this: it only needs to be loaded again.
const mailbox = document.querySelector(".mailbox");
const fresh = document.querySelector(".fresh");
const reading = document.querySelector(".letter h1, .letter textarea:focus") !== null;

async function look() {
  const answer = await fetch("/mailbox/count");
  const { count } = await answer.json();
  if (count === Number(mailbox.dataset.count)) return;
  if (reading) fresh.hidden = false;
  else location.reload();
}

setInterval(() => look().catch(() => {}), 1500);
