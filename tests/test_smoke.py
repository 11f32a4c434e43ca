async def test_the_course_runs(town):
    e = await town.becomes_a_learner()
    await town.days_pass(12)
    subjects = [c.message["Subject"] for c in town.mailbox()]
    print(subjects)
    assert len(subjects) == 8
