/** How a host is ended from outside. */

/** Closes at SIGINT or SIGTERM and resolves with what closing gave; a second signal ends the process at once. */
export function untilTold<Result>(
  host: { close(): Promise<Result> },
  { note }: { readonly note: (text: string) => void },
): Promise<Result> {
  return new Promise((settle, fail) => {
    let isEnding = false;
    const end = (signal: NodeJS.Signals): void => {
      // The processes of a host end by themselves without their primary.
      if (isEnding) process.exit(1);
      isEnding = true;
      note(`${signal}: waiting for running requests`);
      host.close().then(settle, fail);
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}
