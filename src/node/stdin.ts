/** What "-" becomes on the command line: yargs drops a lone dash from lists of files. */
export const stdin = "<stdin>";
