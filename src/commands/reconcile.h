/* SPDX-License-Identifier: MIT
 *
 * reconcile.h: `tidings reconcile`: what is still unknown, and settling it by hand.
 */
#ifndef COMMANDS_RECONCILE_H
#define COMMANDS_RECONCILE_H

int command_reconcile(int argc, char **argv);

#endif
