from cityloop.decide import models
