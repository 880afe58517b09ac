// Nothing that was typed in a call is lost to a session that ended, or to a centre that does not
// answer: before a form is sent it is asked whether it would be taken. If not, the page stays as it
// is and says what to do. Without this script forms are sent as they are.

const form = document.querySelector("form[data-kept]");

/** What stands in the way, as the name of its notice; nothing when the form would be taken. */
async function inTheWay() {
  try {
    const answer = await fetch("/account", { method: "HEAD", cache: "no-store" });
    return answer.status === 401 ? "signed-out" : null;
  } catch {
    return "unreachable";
  }
}

form?.addEventListener("submit", async (event) => {
  if (form.dataset.asked) return;
  event.preventDefault();
  const why = await inTheWay();
  for (const notice of document.querySelectorAll("[data-why]")) {
    notice.hidden = notice.dataset.why !== why;
  }
  if (why) return;
  form.dataset.asked = "yes";
  form.requestSubmit(event.submitter);
  delete form.dataset.asked;
});
