"""summary.py FOLDER   adds up the JUnit files of a test run; exits 1 when anything failed or nothing ran."""

import pathlib
import sys
import xml.etree.ElementTree as ET

folder = pathlib.Path(sys.argv[1])
passed = failed = skipped = 0
for stage in sorted(folder.glob("*.failed")):
    print(f"stage {stage.stem} did not run to its end")
    failed += 1
for path in sorted(folder.glob("*.xml")):
    for case in ET.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            print(f"FAILED {path.stem}: {case.get('classname', '')} {case.get('name')}")
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed or not passed else 0)
