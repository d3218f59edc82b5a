/**
 * An expression without the comparison with a number at its end, so that the chart shows the
 * value also while the rule does not hold. Anything else stays as it is.
 */
export function withoutThreshold(expr: string): string {
  const found = /^(.+?)\s*(?:>=|<=|==|!=|>|<)\s*-?[\d.]+(?:[eE][+-]?\d+)?\s*$/s.exec(expr.trim());
  if (!found) return expr;
  const rest = found[1].trim();
  // With `and`, `or` or a second comparison the number at the end belongs to a part only.
  const bare = rest.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\{[^}]*\}/g, '');
  return /\b(?:and|or|unless|bool)\b|[<>]|==|!=/.test(bare) ? expr : rest;
}
