"use strict";

// Of a console block, return only the command lines: prompts and output are not for pasting.
// Python's prompt waits for an empty line after an indented block.
function textToCopy(pre) {
  const text = pre.textContent;
  if (pre.closest(".highlight-python")) return /\n[ \t]+\S.*\n$/.test(text) ? `${text}\n` : text;
  if (!pre.closest(".highlight-console")) return text;
  const commands = [];
  let continues = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) commands.push(line.slice(2));
    else if (continues) commands.push(line);
    continues = line.endsWith("\\") && (line.startsWith("$ ") || continues);
  }
  return commands.join("\n");
}

// A page that neither HTTPS nor loopback serves has no navigator.clipboard.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser refused to copy");
}

// Outputs are blocks of plain text, which nobody pastes.
const selector = "div[class*='highlight-']:not(.highlight-text, .highlight-none) > .highlight > pre";

document.addEventListener("DOMContentLoaded", () => {
  for (const pre of document.querySelectorAll(selector)) {
    const text = textToCopy(pre);
    if (!text) continue;
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      button.textContent = await copy(text).then(() => "Copied", () => "Not copied");
      button.classList.add("done");
      setTimeout(() => {
        button.textContent = "Copy";
        button.classList.remove("done");
      }, 2000);
    });
    pre.after(button);
  }
});
