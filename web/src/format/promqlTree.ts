// What needs an expression's grammar: which series it asks for, and the value behind a threshold.
import { parser } from '@prometheus-io/lezer-promql';
import { quote } from './promql';

const COMPARISONS = ['Gtr', 'Gte', 'Lss', 'Lte', 'EqlC', 'Neq'];

/**
 * An expression without the comparison with a number on its top, so that a chart shows the value
 * also while the rule does not hold. Anything else stays as it is.
 */
export function withoutThreshold(expr: string): string {
  const text = expr.trim();
  let node = parser.parse(text).topNode.firstChild;
  while (node?.name === 'ParenExpr') node = node.firstChild?.nextSibling ?? null;
  if (node?.name !== 'BinaryExpr') return expr;
  const left = node.firstChild;
  const right = node.lastChild;
  const compared = COMPARISONS.some((name) => node.getChild(name) !== null) && node.getChild('BoolModifier') === null;
  if (!left || !right || !compared || !/^[-+]?[\d.]/.test(text.slice(right.from, right.to))) return expr;
  return text.slice(left.from, left.to);
}

/** The expression with one more condition on every series that it asks for and that has none on that label yet. */
export function narrowed(expr: string, label: string, value: string): string {
  const inserts: { at: number; text: string }[] = [];
  const condition = `${label}=${quote(value)}`;
  parser.parse(expr).iterate({
    enter: ({ node }) => {
      if (node.name !== 'VectorSelector') return;
      const matchers = node.getChild('LabelMatchers');
      if (!matchers) inserts.push({ at: node.to, text: `{${condition}}` });
      else {
        const inside = expr.slice(matchers.from + 1, matchers.to - 1).trim();
        const known = new RegExp(`(?:^|[,\\s])"?${label}"?\\s*[=!]`).test(inside);
        if (!known) inserts.push({ at: matchers.from + 1, text: inside ? `${condition},` : condition });
      }
    },
  });
  return inserts.reduceRight((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), expr);
}
