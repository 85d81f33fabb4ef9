const NOTICES: Record<string, string> = {
  created: 'The ticket is filed.',
  changed: 'The ticket is changed.',
  deleted: 'The ticket is deleted.',
  400: 'Something is missing or misspelt. Nothing was changed.',
  403: 'You may not do that. Nothing was changed.',
  404: 'There is no such ticket for you. Nothing was changed.',
  409: 'Somebody else changed it at the same moment. Try again.',
};

/** What the last form did. */
export function Notice({ code }: { code?: string }) {
  const text = code && NOTICES[code];
  if (!text) return null;
  return (
    <p role="status" className={Number(code) ? 'notice refused' : 'notice'}>
      {text}
    </p>
  );
}
