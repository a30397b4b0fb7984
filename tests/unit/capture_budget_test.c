/* When a recorder over its budget of processor time sheds detail, and when it takes it back: with a made-up clock.
 */
#include <criterion/criterion.h>

#include "cpu_budget.h"

#define S UINT64_C(1000000000)

struct sim {
	struct cpu_budget b;
	uint64_t now_ns, used_ns;
	int shed, max_shed, n_sheds, n_restores;
	uint64_t last_ns, least_apart_ns; /* of sheds */
};

/* A load that takes `full` of a processor, and a share `each` less of that with each step that is shed. */
static void run(struct sim *s, unsigned seconds, double full, double each)
{
	for (unsigned i = 0; i < seconds; i++) {
		double left = 1 - each * s->shed;
		int what;

		s->now_ns += S;
		s->used_ns += (uint64_t)(full * (left > 0 ? left : 0) * (double)S);
		what = cpu_budget_look(&s->b, s->now_ns, s->used_ns, s->shed > 0);
		if (what > 0 && s->shed < s->max_shed) {
			uint64_t apart = s->now_ns - s->last_ns;

			s->least_apart_ns = s->n_sheds && apart < s->least_apart_ns ? apart : s->least_apart_ns;
			s->last_ns = s->now_ns;
			s->n_sheds++;
			s->shed++;
		}
		if (what < 0) {
			s->n_restores++;
			s->shed--;
		}
		cr_assert(s->shed >= 0);
	}
}

static struct sim sim_new(double budget)
{
	return (struct sim){
		.b.budget = budget, .now_ns = 1000 * S, .max_shed = 5, .least_apart_ns = ~UINT64_C(0)
	};
}

Test(budget, sheds_within_seconds_and_not_all_at_once)
{
	struct sim s = sim_new(0.05);

	run(&s, 60, 0.04, 0);
	cr_assert_eq(s.n_sheds, 0);
	run(&s, 2, 0.5, 0.2);
	run(&s, 2, 0.0, 0.2);
	run(&s, 20, 0.01, 0.2);
	cr_assert_eq(s.n_sheds, 0, "a moment is no load");
	run(&s, 6, 0.5, 0.05);
	cr_assert_eq(s.n_sheds, 1);
	run(&s, 60, 0.5, 0.05);
	cr_assert_eq(s.n_sheds, 5);
	cr_assert_geq(s.least_apart_ns, 2 * S);
	cr_assert_eq(s.n_restores, 0);
}

Test(budget, gives_up_no_more_than_it_has_to)
{
	struct sim s = sim_new(0.05);

	run(&s, 300, 0.10, 0.3); /* 7 %, 4 % */
	cr_assert_eq(s.shed, 2);
	cr_assert_eq(s.n_sheds, 2);
	cr_assert_eq(s.n_restores, 0, "4 %% is too near to 5 %%");
}

Test(budget, takes_back_step_by_step_when_the_load_has_gone)
{
	struct sim s = sim_new(0.05);

	run(&s, 60, 0.5, 0.05);
	cr_assert_eq(s.shed, 5);
	run(&s, 29, 0.0, 0);
	cr_assert_eq(s.n_restores, 0);
	run(&s, 15, 0.0, 0);
	cr_assert_eq(s.n_restores, 1);
	run(&s, 29, 0.0, 0);
	cr_assert_leq(s.n_restores, 2);
	run(&s, 120, 0.0, 0);
	cr_assert_eq(s.shed, 0);
	cr_assert_eq(s.n_restores, 5);
	run(&s, 600, 0.0, 0);
	cr_assert_eq(s.n_restores, 5);
}

/* A load that fits with a step less and not without: tried less and less often. */
Test(budget, does_not_flap)
{
	struct sim s = sim_new(0.05);

	run(&s, 3600, 0.10, 0.9);
	cr_assert_geq(s.n_sheds, 2, "it is tried again");
	cr_assert_leq(s.n_sheds, 12, "%d times in an hour", s.n_sheds);
	run(&s, 1300, 0.0, 0);
	cr_assert_eq(s.shed, 0);
	run(&s, 10, 0.5, 0.9); /* another load, much later: as in the beginning */
	cr_assert_eq(s.shed, 1);
	run(&s, 45, 0.0, 0);
	cr_assert_eq(s.shed, 0);
}

Test(budget, that_is_none_sheds_nothing)
{
	struct sim s = sim_new(0);

	run(&s, 100, 2.0, 0);
	cr_assert_eq(s.n_sheds, 0);
	s.shed = 2; /* it was taken away: what was shed comes back */
	run(&s, 100, 2.0, 0);
	cr_assert_eq(s.shed, 0);
	cr_assert_eq(cpu_budget_look(&s.b, s.now_ns - S, s.used_ns, false), 0, "no time has gone by");
}
