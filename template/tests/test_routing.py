"""Routing: which specialist gets which question."""

import pytest

from app.contracts.learnflow import QueryContext
from app.contracts.learning import LearningQueryEvent
from app.domain.handing import request_event
from app.domain.question import read
from app.domain.routing import Decision, decide

TRACEBACK = """\
Traceback (most recent call last):
  File "homework.py", line 3, in <module>
    print(total)
NameError: name 'total' is not defined"""


@pytest.mark.parametrize(
    ("query", "specialist", "topic"),
    [
        ("What is a list comprehension?", "concepts", "lists"),
        ("How do for loops work?", "concepts", "for loops"),
        ("Explain inheritance, please", "concepts", "inheritance"),
        ("what's the difference between = and ==", "concepts", None),
        ("What’s a dictionary?", "concepts", "dictionaries"),
        ("How do I read a CSV file?", "concepts", "CSV"),
        ("How to convert a string to an int", "concepts", "type conversion"),
        ("What does break do in a loop?", "concepts", "break and continue"),
        ("How does try/except work?", "concepts", "try and except"),
        ("How do custom exceptions work?", "concepts", "custom exceptions"),
        ("What are virtual environments for?", "concepts", "virtual environments"),
        ("tell me about APIs", "concepts", "APIs"),
        ("What is a ValueError?", "concepts", None),
        ("What does the error 'list index out of range' mean?", "concepts", "lists"),
        ("I don't understand recursion", "concepts", "defining functions"),
        ("I'm stuck", "concepts", None),
        ("hello", "concepts", None),
        ("Give me an exercise about dictionaries", "exercise", "dictionaries"),
        ("I want to practice while loops", "exercise", "while loops"),
        ("Quiz me on functions", "exercise", "defining functions"),
        ("Create a hard challenge on classes", "exercise", "classes"),
        ("My code doesn't work", "debug", None),
        ("my program crashes when I enter 0", "debug", None),
        ("I get a NameError: name 'x' is not defined", "debug", None),
        ("Why does my loop never end?", "debug", "for loops"),
        (TRACEBACK, "debug", None),
        ("```\n" + TRACEBACK + "\n```", "debug", None),
        ("Can you fix this? ```x = 1```", "debug", None),
        ("Please review my code ```python\nx = 1\n```", "review", None),
        ("Is this code pythonic? ```x = [1]```", "review", None),
        ("Can I make this faster? ```x = 1```", "review", None),
        ("```print(1)```", "review", None),
        ("Can you review my code?", "concepts", None),
        ("How am I doing?", "progress", None),
        ("Show me my progress", "progress", None),
        ("What is my streak?", "progress", None),
    ],
)
def test_questions_find_their_specialist(query: str, specialist: str, topic: str | None) -> None:
    """And the concept of the curriculum that they are about."""
    assert decide(read(query)) == Decision(specialist, topic)  # pyright: ignore[reportArgumentType] - the table is of texts


def test_what_the_client_knows_goes_before_a_guess() -> None:
    """The page that a student is on says more than one word of the question."""
    question = read("What is a list?", QueryContext(topic="tuples"))
    assert decide(question).topic == "tuples"


def test_a_question_without_a_topic_is_about_the_sessions() -> None:
    """“And why?” follows on what was asked before."""
    assert decide(read("And why?"), current_topic="sets") == Decision("concepts", "sets")


def test_code_and_traceback_are_told_apart() -> None:
    """A student pastes both."""
    question = read(f"Why?\n```python\nprint(total)\n```\n```\n{TRACEBACK}\n```")
    assert question.words == "Why?"
    assert question.code == "print(total)"
    assert question.traceback == TRACEBACK
    assert question.error == "NameError: name 'total' is not defined"


@pytest.mark.parametrize(
    ("query", "percent", "difficulty"),
    [
        ("Give me an exercise", 0, "easy"),
        ("Give me an exercise", 55, "medium"),
        ("Give me an exercise", 95, "hard"),
        ("Give me an easy exercise", 95, "easy"),
        ("Give me a hard exercise", 0, "hard"),
    ],
)
def test_exercises_are_as_hard_as_wished_or_else_as_is_right(
    query: str, percent: float, difficulty: str
) -> None:
    """Mastery decides where the student does not."""
    event = LearningQueryEvent(user_id="stu-1", query=query)
    made = request_event(event, read(query), Decision("exercise", "sets"), percent)
    assert made
    assert made[0] == "exercise.request"
    assert made[1].model_dump()["difficulty"] == difficulty


def test_progress_needs_no_request() -> None:
    """It reads `learning.routed` like every event."""
    event = LearningQueryEvent(user_id="stu-1", query="How am I doing?")
    assert request_event(event, read(event.query), Decision("progress", None), 0) is None
