import { useSearchParams } from 'react-router';

/** Reads and writes parts of the address; what is empty is left out of it. */
export function useParameter() {
  const [parameters, setParameters] = useSearchParams();
  const set = (name: string, value: string | string[], options: { push?: boolean } = {}) =>
    setParameters(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete(name);
        for (const one of Array.isArray(value) ? value : [value]) if (one) next.append(name, one);
        return next;
      },
      { replace: !options.push },
    );
  return { parameters, set };
}
