/** A wrong value of an option: of the command line, where main shows it and exits with 2, or of a program that calls us. */
export class UsageError extends Error {}
