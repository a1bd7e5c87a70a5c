from cityloop.decide.models import Alarm
