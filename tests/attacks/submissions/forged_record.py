"""Tries: to hand in the outputs and the record of marks that a passed submission would have.
Must happen: outputs and records are those of the marking, not those that were handed in.
"""


def hand_in(submission):
    record = {}
    for cell in submission.tests():
        points = cell.metadata.nbgrader.points
        data = {"text/plain": str(points)}
        result = {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}
        cell.update(outputs=[result], execution_count=1)
        cell.metadata.nbgrader["score"] = points
        record[cell.metadata.nbgrader.grade_id] = {"points": points, "of": points, "message": None, "seconds": 0.1}
    submission.notebook.metadata["equipoise"] = {"lab": "target", "tests": record, "notes": []}
