# SPDX-License-Identifier: Apache-2.0
"""What became of the traffic, session or request: actions and outcomes compared by meaning."""

import re

from values import at, carries_text, word

# A meaning and the words that peers use for it; the first that matches counts.
MEANINGS = [
    ("close", r"-rst\b|teardown|clos|end(ed)?\b|finish|terminat|log ?(out|off)|logged off|disconnect|timeout|release"),
    ("deny", r"\b(den(y|ied)|drop|block|reject|reset|refus|discard|prevent)"),
    ("allow", r"\b(allow|permit|accept|pass(ed|thr(ou)?gh?|thru)?\b|grant|forward)"),
    ("failure", r"fail|invalid|error|unsuccess"),
    ("success", r"succe"),
    ("open", r"built|start|open|creat|establish|log ?in|logged on|begin"),
    ("alert", r"^(alert|log|logged|log-only|monitor(ed)?|detect(ed)?|observed)$"),
]
DISPOSITIONS = {1: "allow", 8: "allow", 2: "deny", 3: "deny", 4: "deny", 5: "deny", 6: "deny", 21: "deny", 24: "deny",
                25: "deny", 26: "deny", 15: "alert", 16: "alert", 17: "alert", 19: "alert"}
CARRIED = {
    "allow": r"allow|permit|accept|pass|grant|forward|success",
    "deny": r"den(y|ied)|drop|block|reject|reset|refus|discard|prevent|fail",
    "success": r"succe|accept|allow|permit|grant|passed|opened|established|started|complete|built|0x0\b|dhcpack",
    "close": r"clos|end(ed)?\b|finish|terminat|logout|logged off|disconnect|teardown|release|reset|timeout",
    "open": r"built|start|open|creat|establish|login|logged on|begin",
    "failure": r"fail|den(y|ied)|invalid|error|refus|reject|block|timed? ?out|\bbad\b|not allowed|unreachable|dhcpnak",
}
# Where an event may say in words what happened.
WORDS = ["action", "disposition", "activity_name", "status_detail", "status_code", "status", "finding_info.title",
         "finding_info.types", "metadata.event_code", "evidences.verdict", "app_name", "rcode"]
ACTIONS = ["cisco.ac.rule_action", "event.action", "action.name", "cisco.asa.outcome", "shorewall.firewall.action",
           "suse.firewall.action", "dhcpd.query"]
OUTCOMES = ["event.outcome", "action.outcome"]
ACTIVITIES = {(4001, 1): "open", (4001, 2): "close", (4001, 3): "close", (4001, 4): "failure", (4001, 5): "deny",
              (4014, 1): "open", (4014, 2): "close", (3002, 1): "open", (3002, 2): "close", (4005, 7): "close",
              (1007, 1): "open", (1007, 2): "close"}
ACTIVITIES.update({(4007, activity): said for (uid, activity), said in ACTIVITIES.items() if uid == 4001})


def meaning(text):
    """What a peer's or a vendor's word says, or None."""
    for name, pattern in MEANINGS:
        if re.search(pattern, word(text)):
            return name
    return None


def wanted(fields, schema):
    """The peer's actions (texts) and outcome ("success", "failure" or None)."""
    if schema == "ecs":
        texts = [t for path in ACTIONS for t in at(fields, path)]
        texts += [t for t in at(fields, "action.type") if t in ("open", "close")]
        outcomes = [meaning(o) for path in OUTCOMES for o in at(fields, path)]
        outcomes = [o for o in outcomes if o in ("success", "failure")]
        return list(dict.fromkeys(str(t) for t in texts)), (outcomes or [None])[0]
    verdicts = {1: "allow", 2: "deny"}
    texts = [verdicts[i] for i in at(fields, "action_id") if i in verdicts]
    texts += [DISPOSITIONS[i] for i in at(fields, "disposition_id") if i in DISPOSITIONS]
    texts += [str(t) for i, t in zip(at(fields, "action_id"), at(fields, "action")) if i == 99]
    return list(dict.fromkeys(texts)), {1: "success", 2: "failure"}.get((at(fields, "status_id") or [0])[0])


def said(event):
    """The verdicts that an event gives by its identifiers, and its status."""
    verdicts = [{1: "allow", 2: "deny", 3: "alert"}.get(i) for i in at(event, "action_id")]
    verdicts += [DISPOSITIONS.get(i) for i in at(event, "disposition_id")]
    activity = ACTIVITIES.get((event.get("class_uid"), event.get("activity_id")))
    status = {1: "success", 2: "failure"}.get(event.get("status_id"))
    if activity == "deny":
        verdicts.append("deny")
    return {v for v in verdicts if v}, activity, status


def speaks(event, text, caption, line):
    """Whether the event says the peer's word verbatim where an event says what happened; a message counts only when it
    says little else and is not the whole line."""
    want = word(text)
    spoken = [word(v) for path in WORDS for v in at(event, path)] + [word(caption or "")]
    if want in spoken or any(want in s and 3 * len(want) >= len(s) for s in spoken):
        return True
    messages = [word(m) for m in at(event, "message")]
    return any(want in m and 3 * len(want) >= len(m) and 20 * len(m) < 19 * len(word(line)) for m in messages)


def holds(event, want, outcome):
    """Whether the event's identifiers agree with one meaning: True, False (they say the opposite) or None."""
    verdicts, activity, status = said(event)
    decided = verdicts & {"allow", "deny"}
    if want in ("allow", "deny"):
        if decided:
            return want in decided
        if want == "allow" and activity in ("open", "close"):
            return True
        good = {"allow": "success", "deny": "failure"}[want]
        return None if status is None else status == good
    if want in ("success", "failure"):
        if status:
            return status == want
        if activity == want:
            return True
        return {"success": "allow", "failure": "deny"}[want] in decided if decided else None
    if want in ("open", "close"):
        if activity == want or (activity is None and want == "open" and outcome and outcome == status):
            return True
        return True if "allow" in decided else None
    if want == "alert":
        return True if verdicts & {"alert", "allow"} else (False if "deny" in decided else None)
    return None


def judge(fields, schema, event, line, caption=None):
    """The fact "action or outcome": (expected text, "found" | "wrong" | "missing" | "absent"), or None when the peer
    has neither."""
    texts, outcome = wanted(fields, schema)
    texts = [t for t in texts if carries_text(line, t) or re.search(CARRIED.get(meaning(t) or "", "$^"), line, re.I)]
    if outcome and not re.search(CARRIED[outcome], line, re.I):
        outcome_carried = False
    else:
        outcome_carried = bool(outcome)
    if not texts and not outcome_carried:
        everything = wanted(fields, schema)
        return (", ".join(everything[0]) or outcome, "absent") if everything[0] or outcome else None
    verdicts = [t for t in texts if meaning(t) in ("allow", "deny")]
    shown = f"{', '.join(verdicts[:1] or texts)} {f'({outcome})' if outcome else ''}".strip()
    if verdicts:
        answer = holds(event, meaning(verdicts[0]), outcome)
        if answer is None and speaks(event, verdicts[0], caption, line):
            answer = True
        return shown, {True: "found", False: "wrong", None: "missing"}[answer]
    answers = [True if speaks(event, t, caption, line) else holds(event, meaning(t), outcome) for t in texts]
    if outcome_carried or (outcome and texts):
        answers.append(holds(event, outcome, outcome))
    if any(a is True for a in answers):
        return shown, "found"
    return shown, "wrong" if any(a is False for a in answers) else "missing"
