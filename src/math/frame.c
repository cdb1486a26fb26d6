/* SPDX-License-Identifier: MIT */
/* frame.c - edge frames as two turns about y and a constant.
 *
 * A turn by t about y adds t to the azimuth phi of Y_l,+m ~ cos(m phi) and
 * Y_l,-m ~ sin(m phi), so in the columns (+m, -m) of a product A Ry_l(t)
 *
 *     A'+ = cos(mt) A+ + sin(mt) A-      A'- = cos(mt) A- - sin(mt) A+
 */
#include "math/frame.h"

#include "math/wigner.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 2 * WIGNER_MAX + 1 };

/* A <- A Ry_l(t), given cos t and sin t. */
static void turn_columns(int l, double cos_t, double sin_t, double *a)
{
    double c = cos_t, s = sin_t, was;

    for (int m = 1; m <= l; m++) {
        for (int i = 0; i < 2 * l + 1; i++) {
            double *row = a + i * (2 * l + 1) + l, plus = row[m];

            row[m] = c * plus + s * row[-m];
            row[-m] = c * row[-m] - s * plus;
        }
        was = c;
        c = c * cos_t - s * sin_t;
        s = s * cos_t + was * sin_t;
    }
}

void frame_turn(int l, double *out)
{
    static const double y_to_x[9] = {0, 1, 0, -1, 0, 0, 0, 0, 1};

    wigner_d(l, y_to_x, out);
}

void frame_d(int l, const double u[3], double *out)
{
    double rho = hypot(u[0], u[2]), r = hypot(rho, u[1]);
    double turn[WIDTH * WIDTH], tilt[WIDTH * WIDTH];
    int n = 2 * l + 1;

    frame_turn(l, turn);
    memcpy(tilt, turn, (size_t)(n * n) * sizeof *turn);
    turn_columns(l, u[1] / r, -rho / r, tilt);
    for (int i = 0; i < n * n; i++) {
        double sum = 0;

        for (int k = 0; k < n; k++)
            sum += tilt[i / n * n + k] * turn[i % n * n + k];
        out[i] = sum;
    }
    if (rho != 0)
        turn_columns(l, u[2] / rho, -u[0] / rho, out);
}

void frame_matrix(const double u[3], double out[9])
{
    frame_d(1, u, out); /* degree 1 is (x, y, z) */
}
