import type { Matcher } from '../api/types';

/** Labels as small chips. */
export function Labels({ labels, without = [] }: { labels: Record<string, string>; without?: string[] }) {
  const shown = Object.entries(labels).filter(([name]) => !without.includes(name));
  return (
    <span className="labels">
      {shown.map(([name, value]) => (
        <span key={name} className="label mono">
          {name}={value}
        </span>
      ))}
    </span>
  );
}

export function Matchers({ matchers }: { matchers: Matcher[] }) {
  return (
    <span className="labels">
      {matchers.map(({ name, op, value }) => (
        <span key={name + op + value} className="label mono">
          {name}
          {op}&quot;{value}&quot;
        </span>
      ))}
    </span>
  );
}
