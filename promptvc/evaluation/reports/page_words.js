const MOST_COMPARED = 4e6; // pairs of words; beyond it two answers are shown without marks

// Words of two texts that are not in the other, by their longest common subsequence.
function compareWords(before, after) {
  const split = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  const [a, b] = [split(before), split(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [n, m] = [a.length - start - end, b.length - start - end];
  if (n * m > MOST_COMPARED) return null;
  const longest = new Uint16Array((n + 1) * (m + 1));
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      const here = i * (m + 1) + j;
      longest[here] = a[start + i] === b[start + j]
        ? longest[here + m + 2] + 1
        : Math.max(longest[here + m + 1], longest[here + 1]);
    }
  }
  const kept = [new Uint8Array(a.length), new Uint8Array(b.length)];
  kept[0].fill(1, 0, start).fill(1, a.length - end);
  kept[1].fill(1, 0, start).fill(1, b.length - end);
  for (let i = 0, j = 0; i < n && j < m; ) {
    const here = i * (m + 1) + j;
    if (a[start + i] === b[start + j]) {
      kept[0][start + i] = kept[1][start + j] = 1;
      i += 1;
      j += 1;
    } else if (longest[here + m + 1] >= longest[here + 1]) i += 1;
    else j += 1;
  }
  return [runs(a, kept[0]), runs(b, kept[1])];
}

function runs(words, kept) {
  const found = [];
  for (let at = 0; at < words.length; at += 1) {
    // A blank between two changed words belongs to the change.
    const blank = kept[at] && /^\s+$/.test(words[at]) && at > 0 && !kept[at - 1] && at + 1 < words.length && !kept[at + 1];
    const same = Boolean(kept[at]) && !blank;
    if (found.length && found[found.length - 1].same === same) found[found.length - 1].text += words[at];
    else found.push({ same, text: words[at] });
  }
  return found;
}
