import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { Matcher } from '../api/types';

interface Props {
  labels: Record<string, string>;
  without?: string[];
  /** Where a label leads to, such as the list of all that have it. */
  link?: (name: string, value: string) => string;
  /** What comes after them. */
  children?: ReactNode;
}

/** Labels as small chips. */
export function Labels({ labels, without = [], link, children }: Props) {
  const shown = Object.entries(labels).filter(([name]) => !without.includes(name));
  return (
    <span className="labels">
      {shown.map(([name, value]) => {
        const text = `${name}=${value}`;
        return link ? (
          <Link key={name} className="label mono" to={link(name, value)}>
            {text}
          </Link>
        ) : (
          <span key={name} className="label mono">
            {text}
          </span>
        );
      })}
      {children}
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
