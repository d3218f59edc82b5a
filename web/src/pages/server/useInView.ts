import { useCallback, useEffect, useState } from 'react';

/** A reference to an element, and whether it has been on the screen (or close to it) yet. */
export function useInView(): [(element: HTMLElement | null) => void, boolean] {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [seen, setSeen] = useState(typeof IntersectionObserver === 'undefined');
  useEffect(() => {
    if (!element || seen) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
      },
      { rootMargin: '300px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [element, seen]);
  return [useCallback((found: HTMLElement | null) => setElement(found), []), seen];
}
