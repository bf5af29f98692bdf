/** Search results come as HTML in which the words that matched stand within <mark>; here they become pieces of plain text. */

export interface Piece {
  text: string;
  marked: boolean;
}

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };

/** Nothing of the text is ever read as HTML: tags other than <mark> would be shown as they are written. */
export function pieces(html: string): Piece[] {
  const found: Piece[] = [];
  let marked = false;
  for (const part of html.split(/(<\/?mark>)/)) {
    if (part === "<mark>" || part === "</mark>") marked = part === "<mark>";
    else if (part) found.push({ text: unescaped(part), marked });
  }
  return found;
}

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (whole, name: string) => NAMED[name] ?? whole);
}
