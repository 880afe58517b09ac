"""Reads FHIR documents as others do: `check.py FILE...` says a line of faults for each file.

The models are those of fhir.resources (R4B: of what is used here R4 says the same), which refuse
what they do not know. What a model cannot say is checked beside: references, reachability,
narratives, and that only what is attested calls itself final.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree

from fhir.resources.R4B.bundle import Bundle

XHTML = "{http://www.w3.org/1999/xhtml}"
NARRATIVE = {"div", "p", "b", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


def walk(value, name=""):
    """Every value in a resource, with the name of its element."""
    yield name, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, name)


def named_by(resource):
    """What a resource refers to."""
    for name, value in walk(resource):
        if name in ("reference", "instantiatesCanonical") and isinstance(value, str):
            yield value


def of_narrative(div):
    try:
        root = ElementTree.fromstring(div)
    except ElementTree.ParseError as error:
        return [f"a narrative is no XML: {error}"]
    if root.tag != XHTML + "div":
        return ["a narrative is no div"]
    strange = {it.tag for it in root.iter()} - {XHTML + name for name in NARRATIVE}
    return [f"a narrative holds {', '.join(sorted(strange))}"] if strange else []


def of_observation(resource):
    quantity = resource.get("valueQuantity")
    if quantity is None:
        return [] if resource.get("valueString") else ["an observation has no value"]
    faults = []
    if quantity.get("system") != "http://unitsofmeasure.org" or not quantity.get("code"):
        faults.append("a quantity has no unit of UCUM")
    if not any(it["system"] == "http://loinc.org" for it in resource["code"]["coding"]):
        faults.append("an observation has no code of LOINC")
    if not MOMENT.fullmatch(resource["effectiveDateTime"]):
        faults.append("an observation has no moment with an offset")
    return faults


def of_composition(composition):
    faults = []
    is_signed = any(
        it["mode"] == "legal" and it.get("time") and it.get("party")
        for it in composition.get("attester", [])
    )
    if is_signed != (composition["status"] == "final"):
        faults.append("what is final is attested, and nothing else is")
    if composition["status"] != "final" and "BOZZA" not in composition["text"]["div"]:
        faults.append("a draft does not say that it is one")
    return faults


def of_document(bundle):
    faults = []
    entries = bundle["entry"]
    if bundle["type"] != "document" or not bundle.get("identifier") or not bundle.get("timestamp"):
        faults.append("it is no document with an identifier and a time")
    if entries[0]["resource"]["resourceType"] != "Composition":
        return faults + ["its first entry is no Composition"]
    faults += of_composition(entries[0]["resource"])
    known = {it["fullUrl"]: it["resource"] for it in entries}
    if len(known) != len(entries):
        faults.append("two entries have the same address")
    for address, resource in known.items():
        if address != "urn:uuid:" + resource["id"]:
            faults.append(f"{resource['resourceType']} has another address than its id")
        if not resource.get("meta", {}).get("profile"):
            faults.append(f"{resource['resourceType']} names no profile")
        for name in named_by(resource):
            if name not in known:
                faults.append(f"{resource['resourceType']} refers to {name}, which is not there")
        for name, value in walk(resource):
            if name == "div":
                faults += of_narrative(value)
        if resource["resourceType"] == "Observation":
            faults += of_observation(resource)
    reached, ahead = set(), [entries[0]["fullUrl"]]
    while ahead:
        address = ahead.pop()
        if address in known and address not in reached:
            reached.add(address)
            ahead += named_by(known[address])
    for address in known.keys() - reached:
        faults.append(f"nothing leads to {known[address]['resourceType']}")
    return faults


def faults_of(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        Bundle.model_validate_json(text)
    except ValueError as error:
        return [" ".join(str(error).split())]
    return of_document(json.loads(text))


for each in sys.argv[1:]:
    print(json.dumps(faults_of(each)))
